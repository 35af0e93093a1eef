/// What becomes of a slot of a schedule while the run before it still waits or runs.
public enum ScheduleOverlap: String, Codable, Hashable, Sendable, CaseIterable {
    /// The slot is left out.
    case skip
    /// Its run waits behind the other.
    case queue
}

/// What becomes of slots of a schedule that passed while nothing could fire.
public enum MissedSlots: String, Codable, Hashable, Sendable, CaseIterable {
    /// One run for all of them.
    case once
    /// None; they are recorded as skipped, with their number.
    case skip
}
