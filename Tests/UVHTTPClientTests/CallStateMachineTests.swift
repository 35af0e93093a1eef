import Testing

@testable import UVHTTPClient

/// A call as a value: no sockets, no loop, no continuations.
@Suite struct CallStateMachineTests {
    private func bytes(_ count: Int, unread: Int = 0, isAwaited: Bool = false, _ machine: inout CallStateMachine)
        -> CallStateMachine.BodyPiece
    {
        machine.bodyReceived(count, unread: unread, maxUnread: 100, isAwaited: isAwaited)
    }

    @Test func aCollectedBodyComesWithItsHead() {
        var machine = CallStateMachine()
        #expect(machine.headReceived(collecting: 10, announced: nil) == true)
        #expect(machine.flushed() == [])
        #expect(bytes(6, &machine) == .keep([]) && bytes(4, unread: 6, &machine) == .keep([]))
        #expect(machine.completed() == [.forgetTransport, .respondWithBody])
        #expect(machine.phase == .complete)
    }

    @Test func aBodyThatIsTooLongToCollectIsRefused() {
        var machine = CallStateMachine()
        #expect(machine.headReceived(collecting: 10, announced: 11) == false)
        #expect(machine.headReceived(collecting: 10, announced: 10) == true)
        #expect(bytes(11, &machine) == .refuse && bytes(1, unread: 10, &machine) == .refuse)
        #expect(machine.failed() == [.leaveQueue, .abortTransport, .resumeWaiting])
    }

    @Test func aBodyThatIsReadComesAfterItsHead() {
        var machine = CallStateMachine()
        #expect(machine.flushed() == [], "there is no head yet")
        #expect(machine.headReceived(collecting: nil, announced: 1 << 40) == true)
        #expect(machine.flushed() == .respondWithStream && machine.flushed() == [])
        #expect(bytes(50, isAwaited: true, &machine) == .hand)
        #expect(bytes(50, &machine) == .keep([]))
        #expect(machine.completed() == [.forgetTransport, .resumeWaiting])
    }

    @Test func readingStopsWhileTheCallerIsBehind() {
        var machine = CallStateMachine()
        _ = machine.headReceived(collecting: nil, announced: nil)
        _ = machine.flushed()
        #expect(bytes(100, &machine) == .keep([]) && machine.bodyRead() == [])
        #expect(bytes(1, unread: 100, &machine) == .keep(.pauseReading) && machine.isPaused)
        #expect(bytes(1, unread: 101, &machine) == .keep([]), "it is paused already")
        #expect(machine.bodyRead() == .resumeReading && !machine.isPaused)
    }

    @Test func nothingCountsAfterTheEnd() {
        for isFailed in [true, false] {
            var machine = CallStateMachine()
            _ = machine.headReceived(collecting: nil, announced: nil)
            _ = isFailed ? machine.failed() : machine.completed()
            #expect(machine.isFinished)
            #expect(bytes(1, isAwaited: true, &machine) == .ignore)
            #expect(machine.flushed() == [] && machine.completed() == [] && machine.failed() == [])
            #expect(machine.phase == (isFailed ? .failed : .complete))
        }
    }

    @Test func whatIsLeftUnreadAtTheEndIsReadWithoutTheTransport() {
        var machine = CallStateMachine()
        _ = machine.headReceived(collecting: nil, announced: nil)
        _ = machine.flushed()
        _ = bytes(101, &machine)
        _ = machine.completed()
        #expect(machine.bodyRead() == [])
    }
}
