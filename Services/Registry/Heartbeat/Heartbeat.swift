import Contracts
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes

/// One heartbeat as it was sent, its fields checked. Absent fields count as 0 and empty.
struct Heartbeat: Sendable {
    /// What the runtime says of itself in `runtime_metadata`.
    struct Metadata: Sendable, Hashable {
        var capabilities: Capabilities
        var idleTimeoutSeconds: Int?
    }

    /// Cents; what a broken counter may claim at most.
    private static let spendCeiling = 1_000_000_000_000

    var workspace: UUID
    var errorRate: Double
    var sampleError: String
    var activeTasks: Int
    var uptimeSeconds: Int
    var currentTask: String
    /// Cents this month; 0 is "no news".
    var monthlySpend: Int
    var runtimeState: String
    /// `nil` when the beat carries none, which short beats in the middle of a task do not.
    var metadata: Metadata?

    /// Reads a body.
    ///
    /// - Throws: `APIError` 400 naming the field.
    init(body: [UInt8]) throws(APIError) {
        let object: JSONObject
        do {
            object = try JSONObject(validating: body)
        } catch {
            throw .invalidBody(reason: "must be a JSON object")
        }
        do {
            guard let id = UUID(canonical: try object.requiredString("workspace_id")) else {
                throw APIError.invalidBody(field: "workspace_id", reason: "must be a UUID")
            }
            workspace = id
            errorRate = min(max(try object.double("error_rate") ?? 0, 0), 1)
            sampleError = Self.storable(try object.string("sample_error"))
            activeTasks = Self.clamp(try object.int("active_tasks"), to: 0...Int(Int32.max))
            uptimeSeconds = Self.clamp(try object.int("uptime_seconds"), to: 0...Int.max)
            currentTask = Self.storable(try object.string("current_task"))
            monthlySpend = Self.spend(try object.double("monthly_spend"))
            runtimeState = Self.storable(try object.string("runtime_state"))
            metadata = try object.object("runtime_metadata").map(Self.metadata)
        } catch let error as APIError {
            throw error
        } catch let error as JSONFieldError {
            throw .invalidBody(
                field: error.field, reason: error.isMissing ? "is required" : "must be \(error.expected)")
        } catch {
            throw .invalidBody()
        }
    }

    private static func metadata(_ object: JSONObject) throws -> Metadata {
        var capabilities: Capabilities = []
        for (name, value) in try object.object("capabilities")?.members ?? [] where value.bool == true {
            // A newer agent must not lose its heartbeats over a name that we do not know.
            if let known = Capabilities(name: name) { capabilities.insert(known) }
        }
        let idle = try object.int("idle_timeout_seconds").flatMap { $0 > 0 ? min($0, Int(Int32.max)) : nil }
        return Metadata(capabilities: capabilities, idleTimeoutSeconds: idle)
    }

    private static func clamp(_ value: Int?, to range: ClosedRange<Int>) -> Int {
        min(max(value ?? 0, range.lowerBound), range.upperBound)
    }

    /// A counter that ran away is clamped, however far: whole cents below 2^53 are exact as doubles.
    private static func spend(_ value: Double?) -> Int {
        Int(min(max(value ?? 0, 0), Double(spendCeiling)))
    }

    /// Postgres's text has no NUL, and one such beat must not fail the batch it stands in.
    private static func storable(_ text: String?) -> String {
        guard let text else { return "" }
        return text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    /// The data of the `workspace.degraded` event, should this beat make one; `nil` when it cannot.
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
