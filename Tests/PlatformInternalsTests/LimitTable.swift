import Contracts
import PlatformInternals

/// One row of the table of limits on stored values. `docs/limits.md` is checked against it.
struct StoredLimit: Sendable {
    enum Unit: String, Sendable {
        case scalars = "Unicode scalars"
        case bytes
        case elements
    }

    enum Beyond: Sendable {
        /// 400 with `field` and `limit`.
        case refused
        case tooLarge
        case cut
    }

    /// The request, or several.
    let request: String
    /// The members, as the request spells them; the whole body if there are none.
    let members: [String]
    let limit: Int
    let unit: Unit
    let beyond: Beyond

    init(
        _ request: String, _ members: [String], _ limit: Int, _ unit: Unit = .scalars, beyond: Beyond = .refused
    ) {
        self.request = request
        self.members = members
        self.limit = limit
        self.unit = unit
        self.beyond = beyond
    }

    /// The row as in the documentation.
    var markdown: String {
        let names = members.isEmpty ? "the body" : members.map { "`\($0)`" }.joined(separator: ", ")
        let outcome =
            switch beyond {
            case .refused: "400"
            case .tooLarge: "413"
            case .cut: "cut"
            }
        return "| \(request) | \(names) | \(limit) \(unit.rawValue) | \(outcome) |"
    }
}

extension Limits {
    /// Every value that clients can store, with its limit.
    static let table: [StoredLimit] = [
        StoredLimit("every request but uploads", [], requestBody, .bytes, beyond: .tooLarge),
        StoredLimit("register, update-card", ["agent_card"], agentCard, .bytes),
        StoredLimit("register, workspaces", ["url"], url, .bytes),
        StoredLimit("heartbeat", ["current_task"], currentTask, beyond: .cut),
        StoredLimit("heartbeat", ["sample_error"], sampleError, beyond: .cut),
        StoredLimit("heartbeat", ["runtime_state"], runtimeState, beyond: .cut),
        StoredLimit("workspaces", ["name"], workspaceName),
        StoredLimit("workspaces", ["role"], workspaceRole),
        StoredLimit("workspaces", ["model", "runtime"], workspaceModel),
        StoredLimit("workspaces", ["template"], templateName),
        StoredLimit("workspaces", ["workspace_dir"], workspaceDirectory),
        StoredLimit("secrets", ["key"], secretKey, .bytes),
        StoredLimit("secrets", ["value"], secretValue, .bytes),
        StoredLimit("org tokens", ["name", "org_id"], operatorTokenName),
        StoredLimit("messages", ["messageId", "contextId"], identifier),
        StoredLimit("messages", ["method"], method),
        StoredLimit("messages", ["Idempotency-Key"], identifier, .bytes),
        StoredLimit("delegate", ["idempotency_key"], identifier),
        StoredLimit("delegation update", ["error"], errorText),
        StoredLimit("delegation update", ["response_preview"], reportedResponse),
        StoredLimit("activity", ["method"], method),
        StoredLimit("activity", ["summary"], activitySummary),
        StoredLimit("activity", ["status"], activityStatus),
        StoredLimit("activity", ["error_detail"], errorText),
        StoredLimit("schedules", ["name"], scheduleName),
        StoredLimit("schedules", ["cron_expr"], cronExpression),
        StoredLimit("schedules", ["timezone"], timezoneName),
        StoredLimit("schedules", ["prompt"], schedulePrompt),
        StoredLimit("notify", ["message"], notification),
        StoredLimit("notify", ["attachments"], NotifyRequest.attachmentLimit, .elements),
        StoredLimit("notify", ["attachments[].uri"], url),
        StoredLimit("notify", ["attachments[].name", "attachments[].mimeType"], attachmentName),
    ]
}
