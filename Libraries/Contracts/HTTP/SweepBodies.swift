import Foundation

/// Whose silence a sweep looks at.
public enum SweepScope: String, Codable, Hashable, Sendable, CaseIterable {
    /// Workspaces with a container or machine of ours.
    case ours
    /// `external` ones.
    case remote
}

/// GET `/admin/sweeps/guard`.
public struct SweepGuardAnswer: Codable, Hashable, Sendable {
    /// Workspaces with a container or machine of ours.
    public var ours: SweepGuardStatus
    /// `external` ones.
    public var remote: SweepGuardStatus

    private enum CodingKeys: String, CodingKey {
        case ours
        case remote
    }

    /// Creates the value.
    public init(ours: SweepGuardStatus, remote: SweepGuardStatus) {
        self.ours = ours
        self.remote = remote
    }
}

/// What the guard of the liveness sweeps does and knows, as of the last pass.
public struct SweepGuardStatus: Codable, Hashable, Sendable {
    /// Whether it lets fewer go offline than are silent.
    public var held: Bool
    /// Why: `grace`, `too_many_silent`, `ingest_trouble` or `no_heartbeats`.
    @OrNull public var reason: String?
    /// Since when it holds workspaces back for another reason than grace.
    @OrNull public var heldSince: Date?
    /// Until when it lets none go; from then on `allowance` a minute.
    @OrNull public var holdsUntil: Date?
    /// Until when everybody has grace after a start of the platform or of its database.
    @OrNull public var graceUntil: Date?
    /// Workspaces that are online or degraded.
    public var running: Int
    /// Those of them that gave no sign of life for half the period.
    public var late: Int
    /// Those of them that gave none for the whole period.
    public var silent: Int
    /// How many go offline a minute, at most, after a hold.
    public var allowance: Int
    /// When the last pass was; null when there was none.
    @OrNull public var lastPassAt: Date?
    /// Who last had workspaces released by hand, while that is under way.
    @OrNull public var releasedBy: String?

    private enum CodingKeys: String, CodingKey {
        case held
        case reason
        case heldSince = "held_since"
        case holdsUntil = "holds_until"
        case graceUntil = "grace_until"
        case running
        case late
        case silent
        case allowance
        case lastPassAt = "last_pass_at"
        case releasedBy = "released_by"
    }

    /// Creates the value.
    public init(
        held: Bool, reason: String? = nil, heldSince: Date? = nil, holdsUntil: Date? = nil, graceUntil: Date? = nil,
        running: Int, late: Int, silent: Int, allowance: Int, lastPassAt: Date? = nil, releasedBy: String? = nil
    ) {
        self.held = held
        self.reason = reason
        self.heldSince = heldSince
        self.holdsUntil = holdsUntil
        self.graceUntil = graceUntil
        self.running = running
        self.late = late
        self.silent = silent
        self.allowance = allowance
        self.lastPassAt = lastPassAt
        self.releasedBy = releasedBy
    }
}

/// POST `/admin/sweeps/guard/release`.
public struct SweepReleaseRequest: Codable, Hashable, Sendable {
    /// Whose silence is real.
    public var scope: SweepScope

    private enum CodingKeys: String, CodingKey {
        case scope
    }

    /// Creates the value.
    public init(scope: SweepScope) {
        self.scope = scope
    }
}

/// The answer to a release by hand.
public struct SweepReleaseAnswer: Codable, Hashable, Sendable {
    /// Whose silence it is.
    public var scope: SweepScope
    /// How many workspaces are silent now and go offline with the next pass, unless they are heard of before.
    public var released: Int

    private enum CodingKeys: String, CodingKey {
        case scope
        case released
    }

    /// Creates the value.
    public init(scope: SweepScope, released: Int) {
        self.scope = scope
        self.released = released
    }
}
