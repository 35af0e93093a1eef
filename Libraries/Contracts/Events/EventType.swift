/// Every kind of event, by its routing key.
public enum EventType: String, Codable, Hashable, Sendable, CaseIterable {
    /// A heartbeat with the workspace's load; keeps long calls alive and drains the queue.
    case heartbeatReceived = "heartbeat.received"
    /// A workspace's current task has changed.
    case taskUpdated = "task.updated"
    /// A workspace is being started.
    case workspaceProvisioning = "workspace.provisioning"
    /// A workspace accepts messages.
    case workspaceOnline = "workspace.online"
    /// A workspace is stuck or fails too often.
    case workspaceDegraded = "workspace.degraded"
    /// A workspace showed no activity for the liveness period.
    case workspaceOffline = "workspace.offline"
    /// A workspace could not be started.
    case workspaceProvisionFailed = "workspace.provision_failed"
    /// An external workspace waits for its agent to register.
    case workspaceAwaitingAgent = "workspace.awaiting_agent"
    /// A person paused a workspace.
    case workspacePaused = "workspace.paused"
    /// A workspace was stopped for being idle.
    case workspaceHibernated = "workspace.hibernated"
    /// A workspace was deleted.
    case workspaceRemoved = "workspace.removed"
    /// A workspace's configuration was changed (an addition to the contract's table, for caches and consoles).
    case workspaceUpdated = "workspace.updated"
    /// A workspace has another parent: access caches are invalid.
    case workspaceMoved = "workspace.moved"
    /// A workspace's agent card was replaced.
    case agentCardUpdated = "agent_card.updated"
    /// A message was queued.
    case a2aQueued = "a2a.queued"
    /// A queued message was delivered.
    case a2aCompleted = "a2a.completed"
    /// A queued message failed for good.
    case a2aFailed = "a2a.failed"
    /// A queued message expired or was cancelled.
    case a2aDropped = "a2a.dropped"
    /// A queued message belongs to a context: later messages of the context must wait, too (an addition to the
    /// contract's table, for the proxies).
    case a2aContextWaiting = "a2a.context_waiting"
    /// A call of the console got its response.
    case a2aResponse = "a2a.response"
    /// A delegation was accepted.
    case delegationSent = "delegation.sent"
    /// A delegation changed its status.
    case delegationStatus = "delegation.status"
    /// A delegation got its response.
    case delegationCompleted = "delegation.completed"
    /// A delegation ended without a response.
    case delegationFailed = "delegation.failed"
    /// The activity feed has a new row.
    case activityLogged = "activity.logged"
    /// An agent sent a message to a person.
    case agentMessage = "agent.message"
    /// A schedule's message was queued.
    case scheduleFired = "schedule.fired"
    /// A schedule's message got its response or failed.
    case scheduleExecuted = "schedule.executed"
    /// A schedule's run was skipped.
    case scheduleSkipped = "schedule.skipped"
    /// A heartbeat changed the capabilities or the idle timeout: caches of them are invalid (an addition to the
    /// contract's table).
    case runtimeUpdated = "runtime.updated"
    /// A token is no longer valid: token caches are invalid.
    case tokenRevoked = "token.revoked"
    /// Too many workspaces looked dead at once: the liveness sweeps are suspended (an addition to the contract's
    /// table).
    case sweepHeld = "sweep.held"
    /// The liveness sweeps resume (an addition to the contract's table).
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
    /// broker. The others may be lost: their content is in a row of its own or is sent again soon.
    public var isDurable: Bool {
        switch self {
        case .heartbeatReceived, .taskUpdated, .runtimeUpdated, .a2aResponse, .a2aContextWaiting, .activityLogged,
            .agentMessage:
            false
        default: true
        }
    }

    /// Whether it is frequent enough to be sent in batches, one broker message for the events of one commit.
    public var isBatched: Bool {
        switch self {
        case .heartbeatReceived, .taskUpdated, .runtimeUpdated, .activityLogged: true
        default: false
        }
    }

    /// Whether it invalidates what every process keeps in memory: entries of its subject in caches of addresses,
    /// tokens, budgets, overrides or the tree, and the contexts that are waiting, in proxies.
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

/// Notices to the viewer of a stream that are no events.
public enum StreamNotice {
    /// The viewer was too slow; how many events it missed is in `dropped`.
    public static let lagged = "STREAM_LAGGED"
    /// The position that the viewer resumed from is not in the log, so it may have missed events: `reason` says why,
    /// and `oldest` is the oldest position in the log, null for none. The stream continues with new events.
    public static let reset = "STREAM_RESET"
}
