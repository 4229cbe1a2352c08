// The same work by Segment's own packages: what mappings.py hands over on the standard input, timed.
// By processor time, as there, so that a busy machine tells the same.
// In: {packages, cases: {name: {mappings: [{subscribe, mapping}], events}}, seconds}. Out: {name: events a second}.
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { readFileSync } = require('node:fs')

const { packages, cases, seconds } = JSON.parse(readFileSync(0, 'utf8'))
const load = createRequire(join(packages, 'node_modules', '-'))
const { transform } = load('@segment/actions-core')
const { parseFql, validate } = load('@segment/destination-subscriptions')

function rate({ mappings, events }) {
  const parsed = mappings.map(({ subscribe, mapping }) => ({ trigger: parseFql(subscribe), mapping }))
  let count = 0
  const began = process.cpuUsage()
  for (;;) {
    for (const event of events) {
      for (const { trigger, mapping } of parsed) {
        if (validate(trigger, event)) transform(mapping, event)
      }
    }
    count += events.length
    const { user, system } = process.cpuUsage(began)
    const passed = (user + system) / 1e6
    if (passed >= seconds) return count / passed
  }
}

const rates = {}
for (const [name, one] of Object.entries(cases)) {
  rate({ ...one }) // warm
  rates[name] = rate(one)
}
process.stdout.write(JSON.stringify(rates))
