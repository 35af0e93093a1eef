import Contracts
import Foundation
import HTTPCore
import HTTPServer

/// What operators may do once it is known that they are some.
extension Authenticator {
    /// The one way in: every guard ends here. What is asked of an operator's request beyond its credential is asked for
    /// here, for all routes of all services.
    ///
    /// - Parameter credential: what let it in; nil for nobody in particular.
    /// - Throws: `APIError` 403; 503 when a change cannot be noted in the audit log.
    func letIn(
        _ known: KnownToken, _ credential: Credential?, _ request: Request, recordsLife: Bool = true
    ) async throws -> Identity {
        let identity = note(known.identity, request, recordsLife: recordsLife)
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

    /// What a viewer tried is kept, too: nothing is done, so that it need not be.
    private func refuse(_ known: KnownToken, _ request: Request) async -> APIError {
        let refusal = APIError(.forbidden, Sentence.readOnlyToken)
        if request.isAudited {
            let via: AuditEntry.Via = request.context.session == nil ? .token : .console
            _ = try? await audit.record(AuditEntry(known, via, request, status: refusal.status.code))
        }
        return refusal
    }

    /// Where the console's cookie let a request in: that a page of ours made it. Asked for by itself where a request
    /// changes something though its method does not say so, such as a WebSocket's; else it has been.
    ///
    /// - Throws: `APIError` 403.
    package func checkOrigin(_ request: Request) throws(APIError) {
        if request.context.session != nil { try requireOwnOrigin(request) }
    }

    private func requireOwnOrigin(_ request: Request) throws(APIError) {
        let isAllowed = origins.allows(
            request.headers["origin"], host: request.headers["host"], isSecure: request.context.isSecure)
        if !isAllowed { throw APIError(.forbidden, Sentence.originNotAllowed) }
    }

    // MARK: - Signing in

    /// Takes an operator's token for a session of the console.
    ///
    /// - Throws: `APIError` 401 for any other text, 403 for a page of somebody else's, 503.
    package func signIn(_ token: String, _ request: Request) async throws -> NewSession {
        // A page that is not ours has no use for it but to have somebody work in a session of its choice.
        if request.headers.contains("origin") { try requireOwnOrigin(request) }
        guard let known = try await self.token(token), known.identity.isOperator else {
            throw APIError(.unauthorized, Sentence.invalidSignIn)
        }
        request.context.auditEntry = try await audit.record(AuditEntry(known, .console, request))
        let session = SessionToken.make()
        let isAdmin = known.identity == .admin
        return NewSession(
            token: session, holder: SignIn(known),
            credentialDigest: isAdmin ? SessionToken.digest(session.secret, madeFrom: adminHash) : nil)
    }

    /// Who is signed in.
    ///
    /// - Returns: and until when: nil without a session, by a bearer or in open development mode.
    /// - Throws: `APIError` 401 or 503.
    package func signedIn(_ request: Request) async throws -> (holder: SignIn, until: Date?) {
        let identity = try await admin(request)
        guard let credential = request.credential, let known = try await known(credential), known.identity == identity
        else { return (SignIn(.anonymous), nil) }
        return (SignIn(known), known.session?.expiresAt)
    }
}

extension SignIn {
    fileprivate init(_ known: KnownToken) {
        self.init(identity: known.identity, name: known.name, prefix: known.prefix)
    }
}
