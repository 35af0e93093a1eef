/// A reference that may go anywhere, to an object that is used on its loop's thread only.
///
/// With it an object that belongs to a loop need not be Sendable to be reached from elsewhere: whoever holds the
/// reference has to go to the loop first. The object may be released on any thread.
///
/// `@unchecked Sendable`: the object is handed out on the loop's thread alone, which `value` checks. No other reference
/// leaves that thread: a new one is made there (`init(_:on:)`), or before anything else refers to the object
/// (`init(handing:to:)`, which the compiler checks).
package struct LoopBound<Value: AnyObject>: @unchecked Sendable {
    /// The loop that the object belongs to.
    package let loop: EventLoop
    @usableFromInline let bound: Value

    /// A reference to an object of this loop. Loop thread only.
    @inlinable
    package init(_ value: Value, on loop: EventLoop) {
        loop.preconditionInLoop()
        self.loop = loop
        bound = value
    }

    /// Hands an object to its loop: the caller keeps no reference but this one. From any thread.
    package init(handing value: sending Value, to loop: EventLoop) {
        self.loop = loop
        bound = value
    }

    /// The object. Loop thread only.
    @inlinable package var value: Value {
        loop.preconditionInLoop()
        return bound
    }
}
