import Foundation
import Testing
import TestSupport

@testable import Contracts

/// What a body costs must follow from its size, not from what somebody made of it.
@Suite struct BodyShapeTests {
    private static let size = 256 << 10
    /// Of a debug build on a slow machine; what is meant to be met is 20 ms a MiB in a release build.
    private static let bar: Duration = .seconds(2)

    /// Processor time of this thread.
    private func cost(_ work: () throws -> Void) rethrows -> Duration {
        func now() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
        let start = now()
        try work()
        return now() - start
    }

    @Test("Nothing is decoded of what nobody reads", arguments: BodyShape.allCases)
    func unread(_ shape: BodyShape) throws {
        let body = Array(#"{"activity_type":"error","summary":"s",\#(shape.members(Self.size))}"#.utf8)
        let spent = try cost {
            let report = try WireJSON.decode(ActivityReportRequest.self, from: body)
            #expect(report.summary == "s")
        }
        #expect(spent < Self.bar, "\(shape): \(spent)")
    }

    @Test("What is passed on is cut out as it was sent", arguments: BodyShape.allCases)
    func passedOn(_ shape: BodyShape) throws {
        let card = Array("{ \(shape.members(Self.size)) }".utf8)
        let body = Array(#"{"workspace_id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","agent_card": "#.utf8) + card + [0x7D]
        let spent = try cost {
            let request = try WireJSON.decode(UpdateCardRequest.self, from: body)
            // Compared outside of the expectation, which would take minutes to print how two large bodies differ.
            let isSame = request.agentCard.bytes == card
            #expect(isSame)
        }
        #expect(spent < Self.bar, "\(shape): \(spent)")
    }

    @Test("A list with a limit is read up to it")
    func boundedLists() throws {
        let files = String(repeating: "{},", count: Self.size / 3) + "{}"
        let spent = cost {
            #expect(throws: WireError(field: "attachments", reason: "must have 100 elements at most")) {
                try WireJSON.decode(NotifyRequest.self, from: #"{"message":"m","attachments":[\#(files)]}"#.utf8)
            }
        }
        #expect(spent < Self.bar, "\(spent)")
        let most = Array(repeating: #"{"uri":"u","name":"n"}"#, count: 100).joined(separator: " , ")
        let body = #"{"message":"m","attachments":[ \#(most) ]}"#
        #expect(try WireJSON.decode(NotifyRequest.self, from: body.utf8).attachments.count == 100)
    }
}
