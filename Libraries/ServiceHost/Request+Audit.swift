import Contracts
import Foundation
import JSONBytes
import PlatformInternals
import UVHTTPServer

extension Request {
    /// Sets the detail of the request's audit entry: what it is about to do, and later what it did, which replaces the
    /// former. Short, and without secret or private data.
    package func setAuditDetail(_ members: (inout JSONWriter) -> Void) {
        guard context.auditEntry != nil else { return }
        var writer = JSONWriter()
        writer.object(members)
        context.auditDetail = String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension JSONWriter {
    /// The first of the ids that a request named, and how many it named.
    package mutating func auditMember(ids: [UUID]) {
        member("ids", strings: ids.prefix(Limits.auditIDs).map(\.lowercased))
        member("ids_count", ids.count)
    }
}
