import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// One heartbeat with its fields validated. Absent fields count as 0 and empty.
struct Heartbeat: Sendable {
    /// The runtime's `runtime_metadata`.
    struct Metadata: Sendable, Hashable {
        var capabilities: Capabilities
        var idleTimeoutSeconds: Int?
    }

    var workspace: UUID
    var errorRate: Double
    var sampleError: String
    var activeTasks: Int
    var uptimeSeconds: Int
    var currentTask: String
    /// Cents this month; 0 means that the beat has no new value.
    var monthlySpend: Int
    var runtimeState: String
    /// `nil` when the beat has none, as the short beats during a task.
    var metadata: Metadata?

    /// Reads a body, whose workspace has been parsed already.
    ///
    /// - Throws: `APIError` 400 naming the field.
    init(of workspace: UUID, _ object: JSONObject) throws(APIError) {
        self.workspace = workspace
        do {
            errorRate = min(max(try object.clampedDouble("error_rate") ?? 0, 0), 1)
            sampleError = Self.storable(try object.string("sample_error"), Limits.sampleError)
            activeTasks = Self.clamp(try object.clampedInt("active_tasks"), to: 0...Int(Int32.max))
            uptimeSeconds = Self.clamp(try object.clampedInt("uptime_seconds"), to: 0...Int.max)
            currentTask = Self.storable(try object.string("current_task"), Limits.currentTask)
            monthlySpend = Self.spend(try object.clampedDouble("monthly_spend"))
            runtimeState = Self.storable(try object.string("runtime_state"), Limits.runtimeState)
            metadata = try object.object("runtime_metadata").map(Self.metadata)
        } catch let error as JSONFieldError {
            throw .invalidBody(error)
        } catch {
            throw .invalidBody()
        }
    }

    private static func metadata(_ object: JSONObject) throws -> Metadata {
        var capabilities: Capabilities = []
        // Unknown names are ignored, so that heartbeats of newer agents are accepted.
        if let given = try object.object("capabilities") {
            for name in Self.capabilityNames where try given.unique(name)?.bool == true {
                if let known = Capabilities(name: name.description) { capabilities.insert(known) }
            }
        }
        let idle = try object.clampedInt("idle_timeout_seconds").flatMap { $0 > 0 ? min($0, Int(Int32.max)) : nil }
        return Metadata(capabilities: capabilities, idleTimeoutSeconds: idle)
    }

    /// `Capabilities.names`, as static strings for the look-up.
    static let capabilityNames: [StaticString] = [
        "heartbeat", "scheduler", "session", "status_mgmt", "retry", "activity_decoration", "channel_dispatch",
    ]

    private static func clamp(_ value: Int?, to range: ClosedRange<Int>) -> Int {
        min(max(value ?? 0, range.lowerBound), range.upperBound)
    }

    /// Clamped; whole cents below 2^53 are exact as doubles.
    private static func spend(_ value: Double?) -> Int {
        Int(min(max(value ?? 0, 0), Double(Limits.monthlySpend)))
    }

    /// Truncated, since one beat must not slow down its batch; and without NUL, which Postgres's text does not allow.
    private static func storable(_ text: String?, _ limit: Int) -> String {
        guard let text = text?.bounded(to: limit) else { return "" }
        return text.contains(byte: 0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    /// Its approximate size in a statement and in its events, in bytes.
    var weight: Int { 256 + sampleError.utf8.count + currentTask.utf8.count + runtimeState.utf8.count }

    /// The data of the `workspace.degraded` event, if this beat can cause one; `nil` otherwise.
    var degradedData: [UInt8]? {
        let isWedged = runtimeState == StatusRule.wedged
        guard isWedged || errorRate >= StatusRule.degradedErrorRate else { return nil }
        var writer = JSONWriter()
        writer.object { writer in
            if isWedged {
                writer.member("runtime_state", runtimeState)
            } else {
                writer.member("error_rate", errorRate)
            }
            writer.member("sample_error", sampleError)
        }
        return writer.bytes
    }
}
