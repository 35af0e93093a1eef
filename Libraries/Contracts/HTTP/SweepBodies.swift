import Foundation

/// The workspaces whose liveness a sweep checks.
public enum SweepScope: String, Codable, Hashable, Sendable, CaseIterable {
    /// Workspaces with a container or machine run by the platform.
    case managed = "ours"
    /// `external` workspaces, whose agents run elsewhere.
    case remote
}

/// The response to GET `/admin/sweeps/guard`.
public struct SweepGuardResponse: Codable, Hashable, Sendable {
    /// Workspaces with a container or machine run by the platform.
    public var managed: SweepGuardStatus
    /// `external` workspaces, whose agents run elsewhere.
    public var remote: SweepGuardStatus

    private enum CodingKeys: String, CodingKey {
        case managed = "ours"
        case remote
    }

    /// Creates the value.
    public init(managed: SweepGuardStatus, remote: SweepGuardStatus) {
        self.managed = managed
        self.remote = remote
    }
}

/// The state of the guard that limits how many workspaces the liveness sweeps set offline, as of the last pass.
public struct SweepGuardStatus: Codable, Hashable, Sendable {
    /// Whether it sets fewer workspaces offline than are silent.
    public var held: Bool
    /// Why: `grace`, `too_many_silent`, `ingest_trouble` or `no_heartbeats`.
    @OrNull public var reason: String?
    /// Since when it has held workspaces back for another reason than grace.
    @OrNull public var heldSince: Date?
    /// Until when no workspace is set offline; from then on at most `allowance` per minute.
    @OrNull public var holdsUntil: Date?
    /// Until when all workspaces have a grace period after a start of the platform or of its database.
    @OrNull public var graceUntil: Date?
    /// Workspaces that are online or degraded.
    public var running: Int
    /// Those of them without activity for half the liveness period.
    public var late: Int
    /// Those of them without activity for the whole liveness period.
    public var silent: Int
    /// How many may be set offline per minute after a hold.
    public var allowance: Int
    /// When the last pass ran; null when there was none.
    @OrNull public var lastPassAt: Date?
    /// The operator of a manual release, while it is in effect.
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
    /// The workspaces that are really offline.
    public var scope: SweepScope

    private enum CodingKeys: String, CodingKey {
        case scope
    }

    /// Creates the value.
    public init(scope: SweepScope) {
        self.scope = scope
    }
}

/// The response to a manual release.
public struct SweepReleaseResponse: Codable, Hashable, Sendable {
    /// The workspaces concerned.
    public var scope: SweepScope
    /// How many workspaces are silent now and are set offline by the next pass, unless they become active before.
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
