import Contracts
import Foundation
import JSONBytes
import PostgresClient

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

    /// The memory that the bodies take, for cutting batches.
    var weight: Int { (request?.count ?? 0) + (response?.count ?? 0) + 500 }
}

/// Writes rows of the feed, many at a time.
package struct ActivityStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let insert = Statement(
        "activity_insert",
        """
        INSERT INTO activity_logs (id, workspace_id, activity_type, source_id, target_id, method, summary, request_body,
          response_body, status, duration_ms, error_detail, tool_trace, input_tokens, output_tokens, created_at)
        SELECT id, workspace_id, type, source_id, target_id, method, summary, request::json, response::json, status,
          duration, error, trace::json, input_tokens, output_tokens, created_at
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
          $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
          $16::timestamptz[])
          AS i (id, workspace_id, type, source_id, target_id, method, summary, request, response, status, duration,
            error, trace, input_tokens, output_tokens, created_at)
        """)

    /// Writes rows. Bodies that are no JSON are stored as strings.
    package func insert(_ rows: [ActivityRow]) async throws(PostgresError) {
        let bodies = rows.map { Body($0.response) }
        _ = try await postgres.query(
            Self.insert,
            [
                rows.map(\.id), rows.map(\.workspace), rows.map(\.type.rawValue), rows.map(\.source),
                rows.map(\.target), rows.map(\.method?.withoutNUL), rows.map(\.summary.withoutNUL),
                rows.map { Body($0.request).text }, zip(rows, bodies).map { $0.keepsBodies ? $1.text : nil },
                rows.map(\.status),
                rows.map(\.durationMilliseconds), rows.map(\.error?.withoutNUL), bodies.map(\.trace),
                bodies.map(\.facts.inputTokens),
                bodies.map(\.facts.outputTokens), rows.map(\.createdAt),
            ], deadline: .seconds(30))
    }

    /// A body as the column takes it, and the facts in it.
    private struct Body {
        var text: String?
        var facts = AgentAnswer.Facts()

        init(_ bytes: [UInt8]?) {
            guard let bytes else { return }
            text = String(decoding: RawJSON(asJSON: bytes).bytes, as: UTF8.self)
            if let json = try? JSONSlice(validating: bytes) { facts = AgentAnswer.Facts(json) }
        }

        var trace: String? { facts.toolTrace.map { String(decoding: $0, as: UTF8.self) } }
    }
}

extension RawJSON {
    /// Bytes that should be JSON: as they are when they are, else as one string with U+FFFD for what is no UTF-8.
    package init(asJSON bytes: [UInt8]) {
        if (try? JSONScanner.validate(bytes)) != nil {
            self.init(unchecked: bytes)
        } else {
            var writer = JSONWriter(reservingCapacity: bytes.count + 16)
            writer.string(utf8: bytes)
            self.init(unchecked: writer.bytes)
        }
    }
}
