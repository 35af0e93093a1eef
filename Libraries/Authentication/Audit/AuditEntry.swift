import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// An action of an operator, as the audit log records it.
struct AuditEntry: Sendable, Hashable {
    /// The kind of credential that authenticated the operator.
    enum Via: String, Sendable {
        case token
        case console
    }

    let actor: SessionActor
    /// Nil unless it is an org token.
    let actorID: UUID?
    let actorName: String?
    let tokenPrefix: String?
    let via: Via
    /// Method and route.
    let action: String
    /// The values of the route's parameters.
    let target: String?
    /// The workspace among them.
    let workspace: UUID?
    let requestID: String
    let clientIP: String
    /// The response's status, of a refused request; nil for an action that is about to begin.
    let status: Int?

    /// - Parameters:
    ///   - known: the operator's credential, or `anonymous`.
    ///   - status: the response's, of a refused request.
    init(_ known: VerifiedCredential, _ via: Via, _ request: Request, status: Int? = nil) {
        let context = request.context
        switch known.identity {
        case .admin: (actor, actorID) = (.admin, nil)
        case .org(let id, _): (actor, actorID) = (.org, id)
        case .anonymous, .workspace: (actor, actorID) = (.open, nil)
        }
        actorName = known.name.map { Self.text($0, Limits.operatorTokenName) }
        tokenPrefix = known.prefix
        self.via = via
        action = Self.text("\(request.method) \(context.route)", Limits.auditText)
        let values = request.parameters.values
        target = values.isEmpty ? nil : Self.text(values.joined(separator: "/"), Limits.auditText)
        let isOfWorkspace = context.route.hasPrefix("/workspaces/{") || context.route.hasPrefix("/admin/workspaces/{")
        workspace = isOfWorkspace ? values.first.flatMap { UUID(canonical: $0) } : nil
        requestID = Self.text(context.requestID, Limits.auditText)
        clientIP = Self.text(context.clientIP, Limits.auditText)
        self.status = status
    }

    /// As the database takes it: one invalid entry would fail the whole batch.
    private static func text(_ text: String, _ limit: Int) -> String {
        let bounded = text.bounded(to: limit)
        return bounded.contains(byte: 0) ? bounded.replacing("\0", with: "\u{FFFD}") : bounded
    }
}
