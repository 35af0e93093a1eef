import Contracts
import Crypto
import Foundation
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// The credential that a stream ticket was made from, as it is stored: the ticket, and the stream that it opens, are
/// valid as long as the credential.
package enum TicketOrigin: Sendable {
    /// SHA-256 of an operator's or a workspace's token.
    case token(hash: [UInt8])
    /// `ADMIN_TOKEN`: SHA-256 of the ticket and of the token's hash, as with sessions of the console.
    case admin(digest: [UInt8])
    /// None: in open development mode.
    case open
}

extension Authenticator {
    /// - Parameters:
    ///   - request: authenticated by its bearer.
    ///   - ticket: the ticket's secret.
    package func origin(of request: Request, ticket: String) -> TicketOrigin {
        guard let bearer = request.bearerToken else { return .open }
        let hash = sha256(bearer)
        return constantTimeEquals(hash, adminHash)
            ? .admin(digest: SessionToken.digest(ticket, madeFrom: adminHash)) : .token(hash: hash)
    }

    /// Admits a request with a ticket, with the identity of the ticket's creator.
    ///
    /// - Parameter ticket: the secret in the request. The caller makes sure that it is used once.
    /// - Throws: `APIError` 401 when the ticket's credential is no longer valid, or 503.
    package func admit(_ origin: TicketOrigin, ticket: String, _ request: Request) async throws {
        let hash: [UInt8]
        switch origin {
        case .token(let tokenHash): hash = tokenHash
        case .admin(let digest):
            let expected = SessionToken.digest(ticket, madeFrom: adminHash)
            guard hasAdminToken, constantTimeEquals(digest, expected) else { throw Self.invalidTicket }
            hash = adminHash
        case .open:
            guard isOpen else { throw Self.invalidTicket }
            _ = try await admit(.anonymous, nil, request)
            return
        }
        guard let known = try await token(hash: hash) else { throw Self.invalidTicket }
        request.context.ticketTokenHash = hash
        _ = try await admit(known, nil, request)
    }

    /// The error for a ticket that is not valid.
    package static let invalidTicket = APIError(.unauthorized, ErrorMessage.invalidStreamTicket)
}
