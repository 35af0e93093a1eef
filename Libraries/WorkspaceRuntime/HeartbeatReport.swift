import JSONBytes

/// What one sign of life says.
public struct HeartbeatReport: Sendable, Hashable {
    /// Failed requests among those since the last successful beat, from 0 to 1.
    public var errorRate = 0.0
    /// The text of one of the errors; while wedged, the reason.
    public var sampleError = ""
    /// Tasks that run right now.
    public var activeTasks = 0
    /// What it works on, for a person; empty when idle.
    public var currentTask = ""
    /// Since the process started.
    public var uptimeSeconds = 0
    /// The process is wedged: see ``RuntimeWedge``.
    public var isWedged = false
    /// nil leaves `runtime_metadata` out.
    public var metadata: RuntimeMetadata?

    /// An idle and healthy agent.
    public init() {}

    func json(id: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("workspace_id", id)
            writer.member("error_rate", errorRate)
            writer.member("sample_error", sampleError)
            writer.member("active_tasks", activeTasks)
            writer.member("current_task", currentTask)
            writer.member("uptime_seconds", uptimeSeconds)
            if isWedged { writer.member("runtime_state", "wedged") }
            guard let metadata else { return }
            writer.member("runtime_metadata", object: { metadata.write(&$0) })
        }
        return writer.bytes
    }
}

/// What this runtime does itself, so that the platform does not do it a second time.
public struct RuntimeMetadata: Sendable, Hashable {
    /// The things that a runtime may take over.
    public enum Capability: String, Sendable, Hashable, CaseIterable {
        /// It has signs of life of its own.
        case heartbeat
        /// It fires its own schedules.
        case scheduler
        /// Its SDK keeps a queue of its own, so that the platform must not queue for it.
        case session
        /// It decides itself whether it is healthy.
        case statusManagement = "status_mgmt"
        /// It tries again itself.
        case retry
        /// It adds to activity reports itself.
        case activityDecoration = "activity_decoration"
    }

    /// Those that it has; the others are reported as absent.
    public var capabilities: Set<Capability>
    /// How long the platform waits for a sign of life of this agent, in seconds; sent when positive.
    public var idleTimeoutSeconds: Int

    /// - Parameters:
    ///   - capabilities: what the runtime does itself.
    ///   - idleTimeoutSeconds: 0 leaves the platform's own.
    public init(capabilities: Set<Capability> = [], idleTimeoutSeconds: Int = 0) {
        self.capabilities = capabilities
        self.idleTimeoutSeconds = idleTimeoutSeconds
    }

    func write(_ writer: inout JSONWriter) {
        writer.member(
            "capabilities",
            object: { writer in
                for capability in Capability.allCases {
                    writer.member(capability.rawValue, capabilities.contains(capability))
                }
            })
        if idleTimeoutSeconds > 0 { writer.member("idle_timeout_seconds", idleTimeoutSeconds) }
    }
}
