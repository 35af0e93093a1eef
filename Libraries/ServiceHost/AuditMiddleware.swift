import Authentication
import HTTPCore
import UVHTTPServer

/// Completes a request's entry in the audit log with the status of its response.
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
            // When the client disconnected, it is unknown how far the request went.
            if let entry = request.context.auditEntry, !(error is CancellationError) {
                log.finish(
                    entry, status: APIError(describing: error).status.code, detail: request.context.auditDetail)
            }
            throw error
        }
    }
}
