import Contracts
import Crypto
import Foundation
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// How an audited request ended.
package enum AuditResult: String, Sendable, CaseIterable {
    case ok
    case refused
    case failed
    /// The process ended before it responded, or could not record the response.
    case unknown

    /// - Parameter status: of the response; nil while there is none.
    package init(status: Int?) {
        switch status {
        case nil: self = .unknown
        case .some(..<400): self = .ok
        case .some(400..<500): self = .refused
        default: self = .failed
        }
    }
}

/// A filter of the audit log's entries.
package struct AuditFilter: Sendable, Hashable {
    /// `admin`, `org`, `open`, or an org token's prefix or name.
    package var actor: String?
    /// A substring of method and route.
    package var action: String?
    /// The path's parameters, or the workspace among them.
    package var target: String?
    package var result: AuditResult?
    package var since: Date?
    package var until: Date?
}

extension AuditFilter {
    /// An invalid filter is an error: ignoring it would return entries that were not requested.
    init(_ request: Request) throws(APIError) {
        actor = try Self.present(request, "actor")
        action = try Self.present(request, "action")
        target = try Self.present(request, "target")
        if let text = try Self.present(request, "result") {
            guard let result = AuditResult(rawValue: text) else {
                throw .invalidBody(field: "result", reason: "must be ok, refused, failed or unknown")
            }
            self.result = result
        }
        since = try Self.time(request, "since")
        until = try Self.time(request, "until")
    }

    private static func time(_ request: Request, _ name: String) throws(APIError) -> Date? {
        guard let text = try present(request, name) else { return nil }
        guard let time = RFC3339.parse(text) else {
            throw .invalidBody(field: name, reason: "must be a time as of RFC 3339")
        }
        return time
    }

    private static func present(_ request: Request, _ name: String) throws(APIError) -> String? {
        guard let text = request.query(name), !text.isEmpty else { return nil }
        // No entry has one, and Postgres rejects it.
        if text.utf8.contains(0) { throw .invalidBody(field: name, reason: "must have no NUL") }
        return text
    }
}

/// The requested page of the audit log, and its format.
struct AuditPage: Sendable {
    var limit = Limits.auditPage
    /// The id before which it begins.
    var before = Int64.max
    var isCSV = false

    init(_ request: Request) throws(APIError) {
        if let text = request.query("limit"), !text.isEmpty {
            guard let limit = Int(text), (1...Limits.auditPageMaximum).contains(limit) else {
                throw .invalidBody(field: "limit", reason: "must be a number from 1 to \(Limits.auditPageMaximum)")
            }
            self.limit = limit
        }
        if let text = request.query("cursor"), !text.isEmpty {
            guard let bytes = base64URLDecode(text), let id = Int64(String(decoding: bytes, as: UTF8.self)), id > 0
            else { throw .invalidBody(field: "cursor", reason: "is not one that next_cursor gave") }
            before = id
        }
        switch request.query("format") {
        case nil, "", "json": break
        case "csv": isCSV = true
        default: throw .invalidBody(field: "format", reason: "must be json or csv")
        }
    }

    /// The cursor of the page after an entry: opaque to clients.
    static func cursor(after id: Int64) -> String { base64URLEncode(Array(String(id).utf8)) }
}
