import AgentResponses
import Contracts
import Foundation
import JSONBytes
import Postgres

/// A row of the feed.
package struct ActivityRow: Sendable {
    package var id = UUID()
    package var workspace: UUID
    package var type: ActivityType
    package var source: UUID?
    package var target: UUID?
    package var method: String?
    package var summary: String
    package var request: [UInt8]?
    /// The agent's answer, which the trace and the tokens are read from, too.
    package var response: [UInt8]?
    /// Whether the answer is kept; the facts in it are in any case.
    package var keepsBodies = true
    package var status = "ok"
    package var durationMilliseconds: Int?
    package var error: String?
    package var createdAt = Date()

    package init(workspace: UUID, type: ActivityType, summary: String) {
        self.workspace = workspace
        self.type = type
        self.summary = summary
    }

    /// The memory that the bodies and the error take, for cutting batches.
    package var weight: Int { (request?.count ?? 0) + (response?.count ?? 0) + (error?.utf8.count ?? 0) + 500 }
}

/// Writes rows of the feed, many at a time.
package struct ActivityLogStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let copy = """
        COPY activity_logs (id, workspace_id, activity_type, source_id, target_id, method, summary, request_body,
          response_body, status, duration_ms, error_detail, tool_trace, input_tokens, output_tokens, created_at)
        FROM STDIN (FORMAT binary)
        """

    /// Writes rows, all or none. Bodies that are no JSON are stored as strings.
    package func insert(_ rows: [ActivityRow]) async throws {
        try await postgres.copyIn(Self.copy, Self.encoded(rows), deadline: .seconds(30))
    }

    private static func encoded(_ rows: [ActivityRow]) -> [[UInt8]] {
        var copy = BinaryRows()
        for row in rows { add(row, to: &copy) }
        return copy.finish()
    }

    private static func add(_ row: ActivityRow, to copy: inout BinaryRows) {
        let request = row.request.map(Body.init)
        let response = row.response.map(Body.init)
        let facts = response?.facts ?? AgentResponse.FeedFields()
        copy.beginRow(columns: 16)
        copy.append(row.id)
        copy.append(row.workspace)
        copy.append(row.type.rawValue)
        copy.append(row.source)
        copy.append(row.target)
        copy.append(row.method?.withoutNUL)
        copy.append(row.summary.withoutNUL)
        add(request?.json, to: &copy)
        add(row.keepsBodies ? response?.json : nil, to: &copy)
        copy.append(row.status)
        copy.append(row.durationMilliseconds)
        copy.append(row.error?.withoutNUL)
        add(facts.toolTrace, to: &copy)
        copy.append(facts.inputTokens)
        copy.append(facts.outputTokens)
        copy.append(row.createdAt)
    }

    private static func add(_ json: [UInt8]?, to copy: inout BinaryRows) {
        if let json { copy.append(utf8: json) } else { copy.appendNull() }
    }

    /// A body as the column takes it.
    private struct Body {
        let json: [UInt8]
        private let parsed: JSONSlice?

        init(_ bytes: [UInt8]) {
            parsed = try? JSONSlice(validating: bytes)
            json = parsed == nil ? RawJSON(stringOf: bytes).bytes : bytes
        }

        /// What the feed shows of an answer beside its bytes.
        var facts: AgentResponse.FeedFields? { parsed.map { AgentResponse.FeedFields($0) } }
    }
}

extension RawJSON {
    /// Bytes that should be JSON: as they are when they are, else as one string with U+FFFD for what is no UTF-8.
    package init(asJSON bytes: [UInt8]) {
        if (try? JSONScanner.validate(bytes)) != nil {
            self.init(unchecked: bytes)
        } else {
            self.init(stringOf: bytes)
        }
    }

    /// Any bytes as one string.
    fileprivate init(stringOf bytes: [UInt8]) {
        var writer = JSONWriter(reservingCapacity: bytes.count + 16)
        writer.string(utf8: bytes)
        self.init(unchecked: writer.bytes)
    }
}
