/// How a schedule handles a slot while the run before it still waits or runs.
public enum ScheduleOverlap: String, Codable, Hashable, Sendable, CaseIterable {
    /// The slot is skipped.
    case skip
    /// Its run waits behind the other.
    case queue
}

/// How a schedule handles slots that passed while nothing could fire.
public enum MissedSlots: String, Codable, Hashable, Sendable, CaseIterable {
    /// One run for all of them.
    case once
    /// No run; the slots are recorded as skipped, with their number.
    case skip
}
