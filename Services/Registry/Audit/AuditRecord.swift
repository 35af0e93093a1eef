import Contracts
import Foundation
import JSONBytes

/// An entry of the audit log, as operators see it.
package struct AuditRecord: Sendable, Hashable {
    package var id: Int64
    package var at: Date
    package var actor: String
    package var actorName: String?
    package var tokenPrefix: String?
    package var via: String
    package var action: String
    package var target: String?
    /// The workspace's current name.
    package var targetName: String?
    package var service: String
    package var status: Int?
    package var requestID: String
    package var clientIP: String
    /// The details of a bulk request, as JSON.
    package var detail: String?

    package var result: AuditResult { AuditResult(status: status) }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", Int(id))
            writer.member("at", RFC3339.format(at))
            writer.member("actor", actor)
            writer.member("actor_name", orNull: actorName)
            writer.member("token_prefix", orNull: tokenPrefix)
            writer.member("via", via)
            writer.member("action", action)
            writer.member("target", orNull: target)
            writer.member("target_name", orNull: targetName)
            writer.member("service", service)
            writer.member("status", orNull: status)
            writer.member("result", result.rawValue)
            writer.member("request_id", requestID)
            writer.member("client_ip", clientIP)
            writer.member("detail", rawOrNull: detail.flatMap { RawJSON(Array($0.utf8))?.bytes })
        }
    }
}

/// The audit log as a table for spreadsheets (RFC 4180).
package enum AuditCSV {
    package static let header = row([
        "id", "at", "actor", "actor_name", "token_prefix", "via", "action", "target", "target_name", "service",
        "status", "result", "request_id", "client_ip", "detail",
    ])

    package static func row(_ record: AuditRecord) -> String {
        row([
            String(record.id), RFC3339.format(record.at), record.actor, record.actorName ?? "",
            record.tokenPrefix ?? "", record.via, record.action, record.target ?? "", record.targetName ?? "",
            record.service, record.status.map { String($0) } ?? "", record.result.rawValue, record.requestID,
            record.clientIP, record.detail ?? "",
        ])
    }

    private static func row(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    /// Always in quotes: some programs separate cells at other characters than commas. An apostrophe prevents formula
    /// injection, since names come from untrusted users.
    package static func cell(_ text: String) -> String {
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
        return "\"" + (isFormula ? "'" : "") + text.replacing("\"", with: "\"\"") + "\""
    }
}
