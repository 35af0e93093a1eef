/// Every kind of event, by its routing key.
public enum EventType: String, Codable, Hashable, Sendable, CaseIterable {
    /// A sign of life and load; keeps long calls alive and drains the queue.
    case heartbeatReceived = "heartbeat.received"
    /// What a workspace works on has changed.
    case taskUpdated = "task.updated"
    /// It is being started.
    case workspaceProvisioning = "workspace.provisioning"
    /// It takes messages.
    case workspaceOnline = "workspace.online"
    /// It is stuck or fails too often.
    case workspaceDegraded = "workspace.degraded"
    /// It gave no sign of life.
    case workspaceOffline = "workspace.offline"
    /// It could not be started.
    case workspaceProvisionFailed = "workspace.provision_failed"
    /// An external one waits for its agent.
    case workspaceAwaitingAgent = "workspace.awaiting_agent"
    /// A person stopped it.
    case workspacePaused = "workspace.paused"
    /// It was stopped for being idle.
    case workspaceHibernated = "workspace.hibernated"
    /// It was deleted.
    case workspaceRemoved = "workspace.removed"
    /// Its configuration was changed (an addition to the contract's table, for caches and consoles).
    case workspaceUpdated = "workspace.updated"
    /// It has another parent: access caches must forget.
    case workspaceMoved = "workspace.moved"
    /// Its agent card was replaced.
    case agentCardUpdated = "agent_card.updated"
    /// A message was stored.
    case a2aQueued = "a2a.queued"
    /// A stored message was delivered.
    case a2aCompleted = "a2a.completed"
    /// A stored message was given up.
    case a2aFailed = "a2a.failed"
    /// A stored message expired or was taken out.
    case a2aDropped = "a2a.dropped"
    /// A stored message belongs to a context: later ones of it wait, too (an addition to the contract's table, for the
    /// proxies).
    case a2aContextWaiting = "a2a.context_waiting"
    /// The console's call was answered.
    case a2aResponse = "a2a.response"
    /// A delegation was accepted.
    case delegationSent = "delegation.sent"
    /// A delegation moved on.
    case delegationStatus = "delegation.status"
    /// A delegation was answered.
    case delegationCompleted = "delegation.completed"
    /// A delegation ended without an answer.
    case delegationFailed = "delegation.failed"
    /// The feed has a new row.
    case activityLogged = "activity.logged"
    /// An agent spoke to its person.
    case agentMessage = "agent.message"
    /// A schedule's message was put into the queue.
    case scheduleFired = "schedule.fired"
    /// A schedule's message was answered or failed.
    case scheduleExecuted = "schedule.executed"
    /// A schedule's run was skipped.
    case scheduleSkipped = "schedule.skipped"
    /// A heartbeat changed the capabilities or the idle timeout: caches of them must forget (an addition to the contract's
    /// table).
    case runtimeUpdated = "runtime.updated"
    /// A token is no longer valid: token caches must forget.
    case tokenRevoked = "token.revoked"
    /// Too much looked dead at once: the sweeps hold back (an addition to the contract's table).
    case sweepHeld = "sweep.held"
    /// The sweeps act again (an addition to the contract's table).
    case sweepReleased = "sweep.released"

    /// The name that viewers see, nil for events that are not shown to them.
    public var clientName: String? {
        switch self {
        case .heartbeatReceived: "WORKSPACE_HEARTBEAT"
        case .delegationCompleted: "DELEGATION_COMPLETE"
        case .scheduleFired: "CRON_FIRED"
        case .scheduleExecuted: "CRON_EXECUTED"
        case .scheduleSkipped: "CRON_SKIPPED"
        case .tokenRevoked, .workspaceMoved, .runtimeUpdated, .a2aContextWaiting: nil
        default: rawValue.uppercased().replacing(".", with: "_")
        }
    }

    /// Whether the event is a row in `structure_events`, written with the change it reports, and persistent in the
    /// broker. The others may be lost: what they tell is in a row of its own or told again soon.
    public var isDurable: Bool {
        switch self {
        case .heartbeatReceived, .taskUpdated, .runtimeUpdated, .a2aResponse, .a2aContextWaiting, .activityLogged,
            .agentMessage:
            false
        default: true
        }
    }

    /// Whether it is frequent enough to travel in batches, one broker message for what one commit carried.
    public var isBatched: Bool {
        switch self {
        case .heartbeatReceived, .taskUpdated, .runtimeUpdated, .activityLogged: true
        default: false
        }
    }

    /// Whether it is for what every process keeps in memory: caches of addresses, tokens, budgets, overrides or the tree
    /// must forget its subject, proxies must know of a context that waits.
    public var invalidatesCaches: Bool {
        switch self {
        case .tokenRevoked, .workspaceMoved, .workspaceUpdated, .workspaceRemoved, .workspaceOnline, .workspaceOffline,
            .workspaceDegraded, .workspacePaused, .workspaceHibernated, .workspaceProvisioning,
            .workspaceProvisionFailed, .workspaceAwaitingAgent, .agentCardUpdated, .runtimeUpdated, .a2aContextWaiting:
            true
        default: false
        }
    }

    /// The type of a name that viewers see.
    public init?(clientName: String) {
        guard let type = Self.allCases.first(where: { $0.clientName == clientName }) else { return nil }
        self = type
    }
}

/// What a viewer is told that is no event of the platform's.
public enum StreamNotice {
    /// The viewer was too slow; how many events it missed is in `dropped`.
    public static let lagged = "STREAM_LAGGED"
    /// The position that the viewer gave is not in the log, so that it may have missed something: `reason` says why,
    /// and `oldest` is the oldest position there is, null for none. The stream goes on with what comes from now on.
    public static let reset = "STREAM_RESET"
}
