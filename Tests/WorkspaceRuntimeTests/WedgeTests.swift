import Synchronization
import Testing

@testable import WorkspaceRuntime

@Suite struct WedgeTests {
    @Test func firstReasonStays() {
        let wedge = RuntimeWedge()
        #expect(!wedge.isWedged)
        wedge.markWedged("session lost")
        wedge.markWedged("something else")
        #expect(wedge.wedgeReason == "session lost")
        wedge.clearWedge()
        #expect(wedge.wedgeReason == nil)
        wedge.markWedged("something else")
        #expect(wedge.wedgeReason == "something else")
    }

    @Test func aReasonIsAlwaysThere() {
        let wedge = RuntimeWedge()
        wedge.markWedged("")
        #expect(wedge.wedgeReason == "wedged")
    }

    @Test(arguments: [("", false), (" \n", false), ("an answer", true)])
    func onlyContentClears(content: String, clears: Bool) {
        let wedge = RuntimeWedge()
        wedge.markWedged("stuck")
        #expect(wedge.observeSuccess(content: content) == clears)
        #expect(wedge.isWedged == !clears)
    }

    @Test func reportsChangesOnly() {
        let wedge = RuntimeWedge()
        let changes = Mutex(0)
        wedge.onChange { changes.withLock { $0 += 1 } }
        wedge.clearWedge()
        #expect(changes.withLock { $0 } == 0)
        wedge.markWedged("a")
        wedge.markWedged("b")
        wedge.clearWedge()
        wedge.clearWedge()
        #expect(changes.withLock { $0 } == 2)
    }
}
