import Synchronization

/// Hands a value to another task that takes turns with its owner.
struct Sendables<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Something that happened, seen from any thread.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)
    var isRaised: Bool { raised.load(ordering: .acquiring) }
    func raise() { raised.store(true, ordering: .releasing) }
}

/// A number that several tasks write.
final class CallTally: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .acquiring) }
    func add(_ amount: Int) { number.wrappingAdd(amount, ordering: .relaxed) }
}
