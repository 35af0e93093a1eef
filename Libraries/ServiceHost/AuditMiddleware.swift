import Authentication
import HTTPCore
import HTTPServer

/// Completes what the audit log has of a request with how it was answered.
struct AuditMiddleware: Middleware {
    let log: AuditLog

    func handle(_ request: Request, next: (Request) async throws -> Response) async throws -> Response {
        do {
            let response = try await next(request)
            if let entry = request.context.auditEntry {
                log.finish(entry, status: response.status.code, detail: request.context.auditDetail)
            }
            return response
        } catch {
            // Of one whose client hung up nobody knows how far it went.
            if let entry = request.context.auditEntry, !(error is CancellationError) {
                log.finish(
                    entry, status: APIError(describing: error).status.code, detail: request.context.auditDetail)
            }
            throw error
        }
    }
}
