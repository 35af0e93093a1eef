import Foundation
import Synchronization

/// The loops of one process: one a thread, one thread a core.
package final class EventLoopGroup: Sendable {
    /// Its loops; there is at least one.
    package let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// - Parameters:
    ///   - count: threads; by default as many as there are cores.
    ///   - names: the limits of each loop's name resolver.
    ///   - hasManualTime: the loops' time, and with it their timers, stands still until a test advances it.
    package init(
        count: Int = ProcessInfo.processInfo.activeProcessorCount,
        names: NameResolverConfiguration = NameResolverConfiguration(), hasManualTime: Bool = false
    ) {
        loops = (0..<max(1, count)).map {
            EventLoop(name: "loop-\($0)", names: names, hasManualTime: hasManualTime)
        }
    }

    /// The loops in turn.
    package func next() -> EventLoop {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: turn) % UInt(loops.count))]
    }

    /// The loop the caller runs on, when it is one of these, else the next one.
    package func any() -> EventLoop {
        if let current = EventLoop.current, loops.contains(where: { $0 === current }) { return current }
        return next()
    }

    /// Ends every loop and waits for its thread. Not to be called on a loop.
    package func shutdown() {
        for loop in loops { loop.stop() }
    }
}
