import Configuration

/// The retention of finished and expired data. Zero keeps it for ever.
package struct RetentionSettings: Sendable, Hashable {
    private static let day: Duration = .seconds(86_400)

    package var events = day * 14
    package var activity = day * 30
    package var scheduleHistory = day * 30
    package var chatFiles = day * 30
    package var queueItems = day * 7
    package var delegations = day * 30
    package var idempotentSends: Duration = .seconds(60)
    package var lifecycleJobs = day * 7
    package var deadMessages = day * 30
    package var consoleSessions = day
    package var revokedTokens = day * 30
    package var orphanSightings = day * 30
    package var subsystemTicks = day * 30
    package var auditLog = day * 365
    package var redisLiveness = day

    package init() {}

    package init(_ reader: ConfigurationReader) {
        self.init()
        func read(_ name: String, _ age: inout Duration, _ help: String) {
            age = reader.duration("RETENTION_" + name, default: age, help + " 0: for ever.")
        }
        read(
            "EVENTS", &events,
            "How long published events are kept (14 days): streams resume from none that is older, and are told so.")
        read("ACTIVITY", &activity, "How long the feed is kept (30 days): lists and searches know nothing older.")
        read("SCHEDULE_HISTORY", &scheduleHistory, "How long runs of schedules are kept in their history (30 days).")
        read(
            "CHAT_FILES", &chatFiles,
            "How long files of chats are kept (30 days): after it they can be downloaded from containers alone, as long as "
                + "these have them.")
        read(
            "QUEUE_ITEMS", &queueItems,
            "How long messages that were delivered, dropped or failed are kept with their responses (7 days): after it they "
                + "can be neither asked for nor tried again.")
        read(
            "DELEGATIONS", &delegations,
            "How long delegations are kept after their last change (30 days) that have ended, or that an agent keeps "
                + "itself: after it they are in no list, and their idempotency keys are free.")
        read(
            "IDEMPOTENT_SENDS", &idempotentSends,
            "How long the outcome of a send with Idempotency-Key is kept beyond its 24 hours (a minute).")
        read(
            "LIFECYCLE_JOBS", &lifecycleJobs,
            "How long finished starts, stops and removals of containers are kept (7 days): why one failed is known no longer."
        )
        read(
            "DEAD_MESSAGES", &deadMessages,
            "How long messages are kept that nobody could handle (30 days): after it they cannot be replayed.")
        read(
            "CONSOLE_SESSIONS", &consoleSessions,
            "How long sessions of the console are kept after they expired (a day): nothing else looks at them.")
        read(
            "REVOKED_TOKENS", &revokedTokens,
            "How long revoked tokens are kept (30 days); a workspace's newest stays, which says that it had one.")
        read(
            "ORPHAN_SIGHTINGS", &orphanSightings,
            "How long it is remembered that a container or volume without a workspace was seen (30 days).")
        read(
            "SUBSYSTEM_TICKS", &subsystemTicks,
            "How long /admin/liveness names a part that ticks no more (30 days).")
        read("AUDIT_LOG", &auditLog, "How long it is kept what operators did (365 days).")
        read(
            "REDIS_LIVENESS", &redisLiveness,
            "How long Redis remembers a workspace's last sign of life (a day): the database has it, too.")
    }
}
