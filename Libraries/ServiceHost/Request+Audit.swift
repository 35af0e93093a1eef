import Contracts
import Foundation
import HTTPServer
import JSONBytes

extension Request {
    /// Notes for the audit log what the request means to do, and again what it did, which takes the first one's place. Short,
    /// and never of what is secret or private.
    package func noteForAudit(_ members: (inout JSONWriter) -> Void) {
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
