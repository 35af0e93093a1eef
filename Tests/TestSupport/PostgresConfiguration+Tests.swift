import Postgres

extension PostgresConfiguration {
    /// For tests that are not about time: many run at once, on a machine that has other things to do.
    package static var unhurried: PostgresConfiguration {
        var configuration = PostgresConfiguration()
        configuration.unavailableAfter = .seconds(30)
        configuration.connectTimeout = .seconds(20)
        configuration.deadline = .seconds(60)
        configuration.transactionDeadline = .seconds(60)
        return configuration
    }

    /// For tests in which a lock stands for slow work: waiting for it is not given up and retried.
    package static var waitingForLocks: PostgresConfiguration {
        var configuration = unhurried
        configuration.lockTimeout = .seconds(60)
        return configuration
    }
}
