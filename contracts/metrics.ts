// Names of all metrics, as law: rooms count through a Meter and can only use names that stand here and in docs/metrics.md.

export const METRICS = {
  fengsui_mqtt_connections: { type: 'gauge', help: 'MQTT clients connected now', labels: [] },
  fengsui_mqtt_messages_accepted_total: { type: 'counter', help: 'messages journalled and acknowledged', labels: ['qos'] },
  fengsui_mqtt_paused_total: {
    type: 'counter',
    help: 'times a connection was not read for a moment: it sent too fast (rate), or too much waits for the disk (client, all)',
    labels: ['cause'],
  },
  fengsui_mqtt_refused_total: { type: 'counter', help: 'connections, publishes and subscriptions refused at the door', labels: ['code'] },
  fengsui_entrance_connections: {
    type: 'gauge',
    help: 'connections of devices that do not come over our broker, and of ours to foreign brokers and cameras',
    labels: ['entrance'],
  },
  fengsui_entrance_messages_total: {
    type: 'counter',
    help: 'messages journalled that did not come over our broker',
    labels: ['entrance'],
  },
  fengsui_sparkplug_rebirths_total: {
    type: 'counter',
    help: 'times a Sparkplug edge node was asked for its births',
    labels: [],
  },
  fengsui_devices_expected: { type: 'gauge', help: 'devices that were registered', labels: [] },
  fengsui_devices_heard: { type: 'gauge', help: 'registered devices heard within the silence that is normal for them', labels: [] },
  fengsui_devices_never_heard: { type: 'gauge', help: 'registered devices that were never heard', labels: [] },
  fengsui_tls_certificate_left_seconds: {
    type: 'gauge',
    help: 'seconds until the TLS certificate of the door ends; negative = it has ended',
    labels: [],
  },
  fengsui_journal_commit_seconds: { type: 'histogram', help: 'time of one group commit on disk', labels: ['lane'] },
  fengsui_journal_group_messages: { type: 'histogram', help: 'messages in one group commit', labels: [] },
  fengsui_journal_head: { type: 'gauge', help: 'sequence number of the newest committed message', labels: [] },
  fengsui_journal_bytes: { type: 'gauge', help: 'bytes of all segments of the journal', labels: [] },
  fengsui_journal_overdue_bytes: {
    type: 'gauge',
    help: 'bytes of segments past their time, kept only because a needed consumer is behind',
    labels: [],
  },
  fengsui_disk_free_bytes: { type: 'gauge', help: 'free bytes on the file system of the data folder', labels: [] },
  fengsui_journal_lag: { type: 'gauge', help: 'messages between the head and what a consumer has finished', labels: ['consumer'] },
  fengsui_readings_stored_total: { type: 'counter', help: 'readings written to the reading store', labels: ['store'] },
  fengsui_messages_stored_total: {
    type: 'counter',
    help: 'journal messages whose readings are stored or that hold none',
    labels: ['store'],
  },
  fengsui_messages_duplicate_total: {
    type: 'counter',
    help: 'repeats (same message id, or same payload and time) stored once',
    labels: [],
  },
  fengsui_account_messages: {
    type: 'gauge',
    help: 'journal messages by where they ended, since the store was begun: with in-flight they add up to fengsui_journal_head',
    labels: ['outcome'],
  },
  fengsui_account_unbalanced: { type: 'gauge', help: 'messages by which the account does not add up; 0 = balanced', labels: [] },
  fengsui_account_age_seconds: { type: 'gauge', help: 'age of the figures of the account: grows while the store is down', labels: [] },
  fengsui_device_gap_messages: {
    type: 'gauge',
    help: 'messages that devices counted and that never came, all devices together',
    labels: [],
  },
  fengsui_quarantined_total: { type: 'counter', help: 'messages or readings put in quarantine', labels: ['code'] },
  fengsui_quarantine_swept_total: {
    type: 'counter',
    help: 'quarantine entries that made room for newer ones; held = bytes that nobody has looked at are gone',
    labels: ['disposition'],
  },
  fengsui_store_write_seconds: { type: 'histogram', help: 'time of one batch written to the reading store', labels: ['store'] },
  fengsui_store_failures_total: {
    type: 'counter',
    help: 'batches the reading store did not take; retried until it does',
    labels: ['store'],
  },
  fengsui_readings_evaluated_total: { type: 'counter', help: 'readings the rules have folded', labels: [] },
  fengsui_rule_set_changes_total: { type: 'counter', help: 'other rule sets: taken or refused', labels: ['outcome'] },
  fengsui_alarms_raised_total: { type: 'counter', help: 'alarms raised', labels: ['kind'] },
  fengsui_incidents_opened_total: { type: 'counter', help: 'incidents opened', labels: ['category'] },
  fengsui_deadlines_missed_total: { type: 'counter', help: 'incidents that stayed too long in a state', labels: ['state'] },
  fengsui_orders_total: { type: 'counter', help: 'steps of orders, by the state they led to', labels: ['state'] },
  fengsui_canary_seconds: { type: 'histogram', help: 'the canary, from sending it until it was committed in the queue', labels: [] },
  fengsui_canary_late: { type: 'gauge', help: '1 while the canary does not arrive', labels: [] },
  fengsui_alarm_latency_seconds: { type: 'histogram', help: 'broker received to alarm committed in the queue', labels: [] },
  fengsui_notifications_total: {
    type: 'counter',
    help: 'attempts to tell somebody outside of an incident: delivered, retry (comes again), gave-up',
    labels: ['channel', 'outcome'],
  },
  fengsui_notifications_unheard_total: {
    type: 'counter',
    help: 'recipients who answered on none of their channels while nobody had the incident in hand',
    labels: [],
  },
  fengsui_commands_total: { type: 'counter', help: 'commands to devices by the state they came to', labels: ['state'] },
  fengsui_http_requests_total: { type: 'counter', help: 'HTTP requests', labels: ['method', 'status'] },
  fengsui_live_clients: { type: 'gauge', help: 'live sockets open', labels: [] },
  fengsui_live_dropped_total: { type: 'counter', help: 'live sockets closed because the client was too slow', labels: [] },
  fengsui_process_restarts_total: { type: 'counter', help: 'restarts of a process by the supervisor', labels: ['process'] },
  fengsui_flows_cpu_seconds_total: { type: 'counter', help: 'CPU time that the flows in force have used', labels: [] },
  fengsui_flows_held_back_seconds_total: {
    type: 'counter',
    help: 'time that the flows in force were held still because they used more CPU time than they may',
    labels: [],
  },
  fengsui_flows_memory_bytes: { type: 'gauge', help: 'memory that the flows in force hold', labels: [] },
} as const satisfies Record<string, { type: 'counter' | 'gauge' | 'histogram'; help: string; labels: readonly string[] }>

export type MetricName = keyof typeof METRICS

/** What a room needs to be measured. Labels must be those of the metric; values must be bounded sets, never ids. */
export type Meter = {
  count(name: MetricName, labels?: Record<string, string>, by?: number): void
  gauge(name: MetricName, value: number, labels?: Record<string, string>): void
  observe(name: MetricName, value: number, labels?: Record<string, string>): void
}

/** For tests and tools that do not measure. */
export const noMeter: Meter = { count: () => {}, gauge: () => {}, observe: () => {} }
