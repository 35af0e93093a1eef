import Notifier
import ServiceHost

await ServiceLauncher.run(NotifierService.self)
