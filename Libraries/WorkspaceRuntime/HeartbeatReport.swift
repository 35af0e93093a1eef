import JSONBytes

/// The content of one heartbeat.
public struct HeartbeatReport: Sendable, Hashable {
    /// Failed requests among those since the last successful beat, from 0 to 1.
    public var errorRate = 0.0
    /// The text of one of the errors; while wedged, the reason.
    public var sampleError = ""
    /// Running tasks.
    public var activeTasks = 0
    /// The current task, for people; empty when idle.
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

/// The capabilities of this runtime, which the platform then leaves to it.
public struct RuntimeMetadata: Sendable, Hashable {
    /// The functions that a runtime may take over.
    public enum Capability: String, Sendable, Hashable, CaseIterable {
        /// It reports its liveness by itself.
        case heartbeat
        /// It fires its own schedules.
        case scheduler
        /// Its SDK has a queue of its own, so that the platform must not queue for it.
        case session
        /// It decides by itself whether it is healthy.
        case statusManagement = "status_mgmt"
        /// It retries by itself.
        case retry
        /// It adds to activity reports by itself.
        case activityDecoration = "activity_decoration"
    }

    /// Its capabilities; the others are reported as absent.
    public var capabilities: Set<Capability>
    /// The platform's idle timeout for this agent, in seconds; sent when positive.
    public var idleTimeoutSeconds: Int

    /// - Parameters:
    ///   - capabilities: the functions that the runtime takes over.
    ///   - idleTimeoutSeconds: 0 for the platform's default.
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
