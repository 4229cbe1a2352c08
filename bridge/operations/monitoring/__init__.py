"""State of the bridge: for operators, for Prometheus, for the log.

overview     the console's first page, read from the counts
measures     the numbers behind ``/metrics``
concerns     problems that need an operator
health       problems of this process
backlog      how many deliveries wait or have failed, and since when
refusals     rejected requests, counted in memory
percentiles  pure: durations from a histogram
silence      pure: silence of a direction
"""
