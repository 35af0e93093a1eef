import Foundation

/// The configuration of an agent.
public struct AgentConfiguration: Sendable {
    /// This workspace.
    public var workspaceID: UUID
    /// The platform's base URL.
    public var platformURL: String
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 takes a free one.
    public var port: UInt16 = 0
    /// Where the platform and peers reach this agent; nil is `http://localhost:<port>`.
    public var agentURL: String?
    /// The folder of `.auth_token`.
    public var configsDirectory = "/configs"
    /// An operator's bearer, used for the first registration only.
    public var registrationToken: String?
    /// Time between two heartbeats.
    public var heartbeatInterval: Duration = .seconds(30)
    /// The most messages handled concurrently; a further one gets a 503.
    public var maxConcurrentTasks = 1
    /// Where results of delegations are written as JSON lines; nil is `delegation_results.jsonl` in the configs folder.
    public var delegationResultsFile: String?
    /// The agent card.
    public var card: AgentCard
    /// The capabilities of the runtime, read for each heartbeat. When it throws, a heartbeat is sent without them.
    public var metadata: @Sendable () throws -> RuntimeMetadata = { RuntimeMetadata() }
    /// The grace period for in-flight work after `SIGTERM`.
    public var shutdownGrace: Duration = .seconds(10)

    /// - Parameters:
    ///   - workspaceID: this workspace.
    ///   - platformURL: the platform's base URL.
    ///   - card: the agent card.
    public init(workspaceID: UUID, platformURL: String, card: AgentCard) {
        self.workspaceID = workspaceID
        self.platformURL = platformURL
        self.card = card
    }
}

extension AgentConfiguration {
    /// Every variable that is missing or wrong, in one error.
    public struct EnvironmentError: Error, Sendable, CustomStringConvertible {
        /// One message per variable.
        public let problems: [String]
        /// All of them, one a line.
        public var description: String { problems.joined(separator: "\n") }
    }

    /// Reads `WORKSPACE_ID` and `PLATFORM_URL` (required), `HOST`, `PORT`, `AGENT_URL`, `NAME`, `CONFIGS_DIR`,
    /// `ADMIN_TOKEN`, `HEARTBEAT_SECONDS`, `MAX_CONCURRENT_TASKS`, `IDLE_TIMEOUT_SECONDS`, `CAPABILITIES` (names of
    /// ``RuntimeMetadata/Capability``, comma separated) and `DELEGATION_RESULTS_FILE`. An empty variable counts as
    /// absent.
    ///
    /// - Parameters:
    ///   - environment: for instance the process's own.
    ///   - card: its name is replaced by `NAME`.
    /// - Throws: ``EnvironmentError``.
    public init(environment: [String: String], card: AgentCard) throws(EnvironmentError) {
        var reader = Reader(environment)
        let id = reader.required("WORKSPACE_ID", "a UUID") { UUID(uuidString: $0) }
        let platform = reader.required("PLATFORM_URL", "an http or https URL") { $0.hasPrefix("http") ? $0 : nil }
        self.init(workspaceID: id ?? UUID(), platformURL: platform ?? "", card: card)
        host = reader.text("HOST") ?? host
        port = reader.optional("PORT", "a port") { UInt16($0) } ?? port
        agentURL = reader.text("AGENT_URL")
        configsDirectory = reader.text("CONFIGS_DIR") ?? configsDirectory
        registrationToken = reader.text("ADMIN_TOKEN")
        heartbeatInterval =
            reader.optional("HEARTBEAT_SECONDS", "seconds above 0") { text in
                Double(text).flatMap { $0 > 0 && $0 <= 86_400 ? .seconds($0) : nil }
            } ?? heartbeatInterval
        maxConcurrentTasks =
            reader.optional("MAX_CONCURRENT_TASKS", "a whole number above 0") { text in
                Int(text).flatMap { $0 > 0 ? $0 : nil }
            } ?? maxConcurrentTasks
        delegationResultsFile = reader.text("DELEGATION_RESULTS_FILE")
        self.card.name = reader.text("NAME") ?? card.name
        let runtime = RuntimeMetadata(
            capabilities: reader.optional("CAPABILITIES", "names of capabilities", Self.capabilities) ?? [],
            idleTimeoutSeconds: reader.optional("IDLE_TIMEOUT_SECONDS", "whole seconds") { Int($0) } ?? 0)
        metadata = { runtime }
        if !reader.problems.isEmpty { throw EnvironmentError(problems: reader.problems) }
    }

    private static func capabilities(_ text: String) -> Set<RuntimeMetadata.Capability>? {
        let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let known = names.compactMap(RuntimeMetadata.Capability.init)
        return known.count == names.count ? Set(known) : nil
    }

    private struct Reader {
        let environment: [String: String]
        var problems: [String] = []

        init(_ environment: [String: String]) { self.environment = environment }

        func text(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

        mutating func optional<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) -> Value? {
            guard let text = text(name) else { return nil }
            let value = parse(text)
            if value == nil { problems.append("\(name) must be \(expected)") }
            return value
        }

        mutating func required<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) -> Value? {
            if text(name) == nil { problems.append("\(name) is required: \(expected)") }
            return optional(name, expected, parse)
        }
    }
}
