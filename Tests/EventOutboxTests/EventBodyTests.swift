import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

/// The schema's functions that make the bodies of durable events, and the types of the contract that read them.
@Suite("Event bodies made by the schema", .timeLimit(.minutes(2)))
struct EventBodyTests {
    /// A function of the schema.
    struct Body: Sendable {
        let data: any EventData.Type
        /// The parameters that its callers leave out or pass as NULL, in any combination.
        var optional: [String] = []
        /// What a type of the contract adds to a body that leaves it out.
        var defaults: Set<String> = []
    }

    static let bodies: [String: Body] = [
        "event_a2a_queued": Body(data: A2AQueued.self, optional: ["caller_id", "delegation_id"]),
        "event_a2a_outcome": Body(data: A2AOutcome.self, optional: ["error", "delegation_id", "schedule_id"]),
        "event_delegation": Body(data: DelegationChanged.self, optional: ["task", "response", "error", "via"]),
        "event_workspace_provisioning": Body(data: WorkspaceProvisioning.self),
        "event_workspace_provision_failed": Body(data: WorkspaceProvisionFailed.self),
        "event_workspace_online": Body(data: WorkspaceOnline.self, optional: ["url", "recovered_from"]),
        "event_workspace_offline": Body(data: WorkspaceOffline.self),
        "event_workspace_awaiting_agent": Body(data: WorkspaceAwaitingAgent.self),
        "event_workspace_stopped": Body(data: WorkspaceStopped.self, optional: ["cascade_deleted"]),
        "event_workspace_updated": Body(data: WorkspaceUpdated.self),
        "event_workspace_moved": Body(data: WorkspaceMoved.self, defaults: ["parent_id", "previous_parent_id"]),
        "event_token_revoked": Body(data: TokenRevoked.self, optional: ["token_id", "kind"], defaults: ["kind"]),
    ]

    /// A parameter of a function, with each of its values that the test passes as SQL.
    private struct Parameter: Sendable {
        let name: String
        let values: [String]

        init(name: String, type: String, isOptional: Bool) throws {
            self.name = name
            values = try Self.values(of: name, type) + (isOptional ? ["NULL"] : [])
        }

        private static let text = #"E'a "text" \\ of läng\tth'"#

        private static func values(of name: String, _ type: String) throws -> [String] {
            switch (name, type) {
            case ("status", "text"): DelegationStatus.allCases.map { "'\($0.rawValue)'" }
            case ("recovered_from", "text"): WorkspaceStatus.allCases.map { "'\($0.rawValue)'" }
            case (_, "text"): [text]
            case (_, "text[]"): ["ARRAY[\(text), 'b']", "'{}'::text[]"]
            case (_, "uuid"): ["'\(UUID().lowercased)'::uuid"]
            case (_, "integer"), (_, "bigint"): ["0", "2147483647"]
            case (_, "boolean"): ["true", "false"]
            default: throw UnknownType(type: type)
            }
        }
    }

    private struct UnknownType: Error { let type: String }

    private static let functions = Statement(
        "test_event_functions",
        """
        SELECT p.proname, coalesce(a.name, ''), coalesce(format_type(a.type, NULL), '')
        FROM pg_proc p LEFT JOIN LATERAL unnest(p.proargnames, p.proargtypes::oid[]) WITH ORDINALITY
            AS a (name, type, n) ON true
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'event\\_%' ORDER BY p.proname, a.n
        """)

    private static func parameters(_ pool: PostgresPool) async throws -> [String: [Parameter]] {
        var found: [String: [Parameter]] = [:]
        for (function, name, type) in try await pool.query(functions).map({ ($0.string(0), $0.string(1), $0.string(2)) }
        ) {
            let isOptional = bodies[function]?.optional.contains(name) == true
            let parameter = name.isEmpty ? [] : [try Parameter(name: name, type: type, isOptional: isOptional)]
            found[function, default: []] += parameter
        }
        return found
    }

    /// Every combination of the values of a function's parameters.
    private static func calls(_ function: String, _ parameters: [Parameter]) -> [String] {
        let lists = parameters.reduce(into: [[String]]([[]])) { lists, parameter in
            lists = lists.flatMap { list in parameter.values.map { list + [$0] } }
        }
        return lists.map { "\(function)(\($0.joined(separator: ", ")))" }
    }

    @Test("Each function is known to the test, and each that the test knows is there")
    func functionsAreKnown() async throws {
        try await withMigratedPool("event_bodies") { pool in
            let found = Set(try await Self.parameters(pool).keys)
            #expect(found == Set(Self.bodies.keys))
        }
    }

    @Test("What a function makes is what its type of the contract writes, member for member")
    func bodiesAreRead() async throws {
        try await withMigratedPool("event_bodies") { pool in
            for (function, parameters) in try await Self.parameters(pool) {
                let body = try #require(Self.bodies[function], "\(function) is unknown")
                for call in Self.calls(function, parameters) {
                    let made = try await pool.query(Statement("", "SELECT \(call)::text")).only { $0.bytes(0) }
                    try Self.check(made, of: body, "\(call): \(String(decoding: made, as: UTF8.self))")
                }
            }
        }
    }

    private static func check(_ made: [UInt8], of body: Body, _ comment: Comment) throws {
        let written = try written(made, as: body.data, comment)
        let missing = try members(written).filter { body.defaults.contains($0.key) }
        if missing.isEmpty {
            #expect(String(decoding: made, as: UTF8.self) == String(decoding: written, as: UTF8.self), comment)
        } else {
            let all = try members(made).merging(missing) { made, _ in made }
            let expected = try members(written)
            #expect(all as NSDictionary == expected as NSDictionary, comment)
        }
    }

    /// Reads a body as its type, and writes it again.
    private static func written<Data: EventData>(
        _ made: [UInt8], as type: Data.Type, _ comment: Comment
    ) throws -> [UInt8] {
        do {
            return try WireJSON.encode(try WireJSON.decode(type, from: made))
        } catch {
            Issue.record(error, comment)
            throw error
        }
    }

    private static func members(_ json: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    }
}
