import Cron
import Foundation

// usage: next-slots <schedules> <instants> <mode> <seconds of warm-up> <seconds>
//
// Computes next slots of schedules for the given time. The first file has a line for each, expression and zone with
// a tab between; the second an instant a line. The mode is `read` when the expressions are read once beforehand, `text`
// when each is read again every time. Prints how many a second, and the sum of all results, each computed once.

struct Entry {
    var text: String
    var zone: CronTimeZone
    var schedule: CronSchedule
}

func fail(_ reason: String) -> Never {
    FileHandle.standardError.write(Data("next-slots: \(reason)\n".utf8))
    exit(1)
}

func lines(_ path: String) -> [Substring] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { fail("cannot read \(path)") }
    return text.split(separator: "\n")
}

let arguments = CommandLine.arguments
guard arguments.count == 6, let warmup = Double(arguments[4]), let seconds = Double(arguments[5]) else {
    fail("wants <schedules> <instants> <mode> <seconds of warm-up> <seconds>")
}
let entries = lines(arguments[1]).map { line in
    let fields = line.split(separator: "\t").map(String.init)
    guard fields.count == 2, let zone = CronTimeZone(fields[1]),
        let schedule = try? CronSchedule(fields[0], timeZone: zone)
    else { fail("does not understand \(line)") }
    return Entry(text: fields[0], zone: zone, schedule: schedule)
}
let instants = lines(arguments[2]).map { Date(timeIntervalSince1970: Double($0) ?? .nan) }
let readsText = arguments[3] == "text"

/// The sum of the results, which also keeps the work from being optimised away.
func round(_ instants: ArraySlice<Date>) -> Double {
    var sum = 0.0
    for instant in instants {
        for entry in entries {
            let schedule = readsText ? try? CronSchedule(entry.text, timeZone: entry.zone) : entry.schedule
            sum += schedule?.next(after: instant)?.timeIntervalSince1970 ?? .nan
        }
    }
    return sum
}

func run(for limit: Double) -> (count: Int, seconds: Double) {
    let clock = ContinuousClock()
    let start = clock.now
    var (count, index) = (0, 0)
    while true {
        guard !round(instants[index..<index + 1]).isNaN else { fail("a schedule has no next slot") }
        count += entries.count
        index = (index + 1) % instants.count
        let spent = (clock.now - start) / .seconds(1)
        if spent >= limit { return (count, spent) }
    }
}

let sum = round(instants[...])
_ = run(for: warmup)
let (count, spent) = run(for: seconds)
print("{\"count\": \(count), \"rate\": \(Double(count) / spent), \"sum\": \(Int(sum))}")
