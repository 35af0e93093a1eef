import Testing

@testable import AMQP

@Suite("Confirm window")
struct ConfirmWindowTests {
    private func window(_ count: Int) -> ConfirmWindow<Int> {
        var window = ConfirmWindow<Int>()
        for number in 1...count { #expect(window.append(number) == UInt64(number)) }
        return window
    }

    private func settle(_ window: inout ConfirmWindow<Int>, _ number: UInt64, multiple: Bool = false) -> [Int] {
        var settled: [Int] = []
        window.settle(number, multiple: multiple) { settled.append($0) }
        return settled
    }

    @Test("single confirms settle in any order")
    func single() {
        var window = window(3)
        #expect(settle(&window, 2) == [2])
        #expect(settle(&window, 1) == [1])
        #expect(window.oldest == 3)
        #expect(settle(&window, 3) == [3])
        #expect(window.isEmpty)
    }

    @Test("a multiple confirm settles all up to it, but those already settled")
    func multiple() {
        var window = window(5)
        #expect(settle(&window, 2) == [2])
        #expect(settle(&window, 4, multiple: true) == [1, 3, 4])
        #expect(window.count == 1)
        #expect(window.oldest == 5)
    }

    @Test("number 0 with multiple means all")
    func all() {
        var window = window(3)
        #expect(settle(&window, 0, multiple: true) == [1, 2, 3])
    }

    @Test("numbers that are not outstanding are ignored", arguments: [UInt64(0), 1, 4, .max])
    func unknown(_ number: UInt64) {
        var window = window(3)
        #expect(settle(&window, 1) == [1])
        #expect(settle(&window, number) == [])
        #expect(window.count == 2)
    }

    @Test("numbers go on counting when memory is given back")
    func longRun() {
        var window = ConfirmWindow<Int>()
        for number in 1...10_000 {
            window.append(number)
            if number > 100 { #expect(settle(&window, UInt64(number - 100)) == [number - 100]) }
        }
        #expect(window.count == 100)
        #expect(settle(&window, 10_000, multiple: true).first == 9901)
    }
}
