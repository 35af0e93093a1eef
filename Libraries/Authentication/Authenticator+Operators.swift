import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// Authorization of authenticated operators, and their sessions of the console.
extension Authenticator {
    /// Admits an authenticated request; every guard ends here. What an operator's request needs beyond its credential
    /// (origin, role, audit entry) is checked here, for all routes of all services.
    ///
    /// - Parameter credential: the one that authenticated it; nil for an anonymous request or a stream ticket.
    /// - Throws: `APIError` 403; 503 when a change cannot be written to the audit log.
    func admit(
        _ known: VerifiedCredential, _ credential: Credential?, _ request: Request, recordsLiveness: Bool = true
    ) async throws -> Identity {
        let identity = note(known.identity, request, recordsLiveness: recordsLiveness)
        guard identity.workspaceID == nil else { return identity }
        if case .session = credential { request.context.session = known.id }
        if !request.hasSafeMethod || !request.isReading { try checkOrigin(request) }
        if identity.role == .viewer, !request.isReading { throw await refuse(known, request) }
        if request.isAudited, request.context.auditEntry == nil {
            let via: AuditEntry.Via = request.context.session == nil ? .token : .console
            request.context.auditEntry = try await audit.record(AuditEntry(known, via, request))
        }
        return identity
    }

    /// Records what a viewer tried, too. Best effort: nothing has been done.
    private func refuse(_ known: VerifiedCredential, _ request: Request) async -> APIError {
        let refusal = APIError(.forbidden, ErrorMessage.readOnlyToken)
        if request.isAudited {
            let via: AuditEntry.Via = request.context.session == nil ? .token : .console
            _ = try? await audit.record(AuditEntry(known, via, request, status: refusal.status.code))
        }
        return refusal
    }

    /// Requires that a request authenticated by the console's cookie was made by a page of the console. To be called
    /// where a request changes something although its method is safe, such as a WebSocket's; for all others `admit` has
    /// done so.
    ///
    /// - Throws: `APIError` 403.
    package func checkOrigin(_ request: Request) throws(APIError) {
        if request.context.session != nil { try requireOwnOrigin(request) }
    }

    private func requireOwnOrigin(_ request: Request) throws(APIError) {
        let isAllowed = origins.allows(
            request.headers["origin"], host: request.headers["host"], isSecure: request.context.isSecure)
        if !isAllowed { throw APIError(.forbidden, ErrorMessage.originNotAllowed) }
    }

    // MARK: - Signing in

    /// Exchanges an operator's token for a session of the console.
    ///
    /// - Throws: `APIError` 401 for any other text, 403 for a page of another origin, 503.
    package func signIn(_ token: String, _ request: Request) async throws -> NewSession {
        // A page of another origin could only want to make its user work in a session of its choice.
        if request.headers.contains("origin") { try requireOwnOrigin(request) }
        guard let known = try await self.token(token), known.identity.isOperator else {
            throw APIError(.unauthorized, ErrorMessage.invalidSignIn)
        }
        request.context.auditEntry = try await audit.record(AuditEntry(known, .console, request))
        let session = SessionToken.make()
        let isAdmin = known.identity == .admin
        return NewSession(
            token: session, holder: SignIn(known),
            credentialDigest: isAdmin ? SessionToken.digest(session.secret, madeFrom: adminHash) : nil)
    }

    /// The operator who is signed in.
    ///
    /// - Returns: the operator, and when the session expires: nil for a bearer or in open development mode.
    /// - Throws: `APIError` 401 or 503.
    package func signedIn(_ request: Request) async throws -> (holder: SignIn, until: Date?) {
        let identity = try await admin(request)
        guard let credential = request.credential, let known = try await known(credential), known.identity == identity
        else { return (SignIn(.anonymous), nil) }
        return (SignIn(known), known.session?.expiresAt)
    }
}

extension SignIn {
    fileprivate init(_ known: VerifiedCredential) {
        self.init(identity: known.identity, name: known.name, prefix: known.prefix)
    }
}
