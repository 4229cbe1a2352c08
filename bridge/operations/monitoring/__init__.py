"""State of the bridge: for operators, for Prometheus, for the log.

overview     the console's first page, read from the counts
measures     the numbers behind ``/metrics``
concerns     what an operator should know without asking
health       what this process found out about itself
backlog      how many deliveries wait or have failed, and since when
refusals     rejected requests, counted in memory
percentiles  pure: durations out of a histogram
silence      pure: whether a direction has gone quiet
"""
