import Contracts
import Foundation
import HTTPCore
import HTTPServer

/// What an operator is about to do, as the audit log keeps it.
struct AuditEntry: Sendable, Hashable {
    /// What let the operator in.
    enum Via: String, Sendable {
        case token
        case console
    }

    let actor: SessionActor
    /// Of an org token.
    let actorID: UUID?
    let actorName: String?
    let tokenPrefix: String?
    let via: Via
    /// Method and route.
    let action: String
    /// What stood at the route's parameters.
    let target: String?
    /// The workspace among them.
    let workspace: UUID?
    let requestID: String
    let clientIP: String
    /// Of a refusal; nil for what is about to be done.
    let status: Int?

    /// - Parameters:
    ///   - known: the operator, or nobody in particular.
    ///   - status: known already, of a refusal.
    init(_ known: KnownToken, _ via: Via, _ request: Request, status: Int? = nil) {
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

    /// As it can be kept: one entry that cannot would keep those written with it out.
    private static func text(_ text: String, _ limit: Int) -> String {
        let bounded = text.bounded(to: limit)
        return bounded.contains(byte: 0) ? bounded.replacing("\0", with: "\u{FFFD}") : bounded
    }
}
