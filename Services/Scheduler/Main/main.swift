import Scheduler
import ServiceHost

await ServiceLauncher.run(SchedulerService.self)
