import Authentication
import Contracts
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/admin/audit`: the log of operators' actions.
struct AuditRoutes: Sendable {
    let context: ServiceContext
    let store: AuditRecordStore

    func add(to router: inout Router) {
        router.on(.get, "/admin/audit", list)
    }

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let (filter, page) = (try AuditFilter(request), try AuditPage(request))
        // Read before the header is sent, so that an early failure gets an error response.
        let size = page.isCSV ? Limits.auditPageMaximum : page.limit
        let records = try await store.list(filter, before: page.before, limit: size)
        return page.isCSV ? csv(filter, beginning: records) : json(records, isWhole: records.count < size)
    }

    private func json(_ records: [AuditRecord], isWhole: Bool) -> Response {
        .json { writer in
            writer.member("entries", array: { writer in for record in records { record.write(to: &writer) } })
            writer.member("next_cursor", orNull: isWhole ? nil : records.last.map { AuditPage.cursor(after: $0.id) })
        }
    }

    /// All matching entries, page by page, with back-pressure.
    private func csv(_ filter: AuditFilter, beginning first: [AuditRecord]) -> Response {
        var response = Response.stream(contentType: "text/csv; charset=utf-8; header=present") { writer in
            var records = first
            try await writer.write(Array(AuditCSV.header.utf8))
            while let last = records.last {
                try await writer.write(records.flatMap { AuditCSV.row($0).utf8 })
                guard records.count == Limits.auditPageMaximum else { return }
                records = try await store.list(filter, before: last.id, limit: Limits.auditPageMaximum)
            }
        }
        response.headers.add("Content-Disposition", #"attachment; filename="audit.csv""#)
        response.headers.add("Cache-Control", "no-store")
        return response
    }
}
