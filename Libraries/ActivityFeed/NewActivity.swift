import Contracts
import Foundation

/// A row of the feed that a workspace reports itself, of now.
package struct NewActivity: Sendable {
    package var type: ActivityType
    package var sourceID: UUID?
    package var targetID: UUID?
    package var method: String?
    package var summary: String?
    package var requestBody: [UInt8]?
    package var responseBody: [UInt8]?
    package var status = "ok"
    package var durationMilliseconds: Int?
    package var errorDetail: String?
    package var toolTrace: [UInt8]?

    package init(type: ActivityType, method: String? = nil) {
        self.type = type
        self.method = method
    }
}
