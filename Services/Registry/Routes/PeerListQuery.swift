import Contracts
import Crypto
import Foundation
import HTTPCore
import UVHTTPServer

/// The cursor of `GET /registry/{id}/peers`: opaque to clients.
enum PeerListQuery {
    static func text(_ cursor: PeerCursor) -> String {
        base64URLEncode(Array("\(cursor.distance):\(cursor.id.lowercased):\(cursor.place)".utf8))
    }

    static func cursor(_ request: Request) throws(APIError) -> PeerCursor? {
        guard let text = request.query("cursor"), !text.isEmpty else { return nil }
        let parts =
            base64URLDecode(text).flatMap { String(validating: $0, as: UTF8.self) }?
            .split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) ?? []
        guard parts.count == 3, let distance = Int(parts[0]), (1...2).contains(distance),
            let id = UUID(canonical: String(parts[1])), !parts[2].utf8.contains(0)
        else {
            throw .invalidBody(field: "cursor", reason: "is not one that X-Next-Cursor gave")
        }
        return PeerCursor(distance: distance, place: String(parts[2]), id: id)
    }
}
