import Authentication
import Foundation
import HTTPCore
import Testing
import UVLoop

@testable import UVHTTPServer

@Suite struct RequestUUIDTests {
    @Test func idsInPaths() throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        func id(_ text: String) throws -> UUID {
            let request = Request(
                method: .get, target: "/", loop: group.next(), parameters: PathParameters(names: ["id"], values: [text])
            )
            return try request.uuid("id", orError: "invalid workspace ID")
        }
        let text = "00000000-0000-0000-0000-00000000ABCD"
        #expect(try id(text) == UUID(uuidString: text))
        #expect(try id(text.lowercased()) == UUID(uuidString: text))
        for wrong in ["", "nonsense", "{\(text)}", String(text.dropLast())] {
            let error = #expect(throws: APIError.self) { try id(wrong) }
            #expect(error?.status == .badRequest && error?.message == "invalid workspace ID" && error?.field == "id")
        }
    }
}
