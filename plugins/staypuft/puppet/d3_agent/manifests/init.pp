# @summary Keeps the service of the Puppet agent off, or on: nothing else.
#
# The deployment plugin of d3 has it applied before and after a host is configured, and expects that nothing but
# what this class manages changes. The resources carry a tag, so that a report says what was wanted even where
# nothing had to change.
#
# @param runmode
#   `none`: the service is stopped and does not start with the system. `service`: it runs and does. Anything else
#   fails the catalog.
# @param service_name
#   Name of the service; packages of Puppet, OpenVox and Debian all call it puppet.
# @param timer_name
#   The timer of systemd that starts agents where one does, as well as the service: it is kept off in both modes.
class d3_agent (
  Enum['none', 'service'] $runmode,
  String[1] $service_name = 'puppet',
  Optional[Pattern[/\A[A-Za-z0-9@_.-]+\.timer\z/]] $timer_name = undef,
) {
  tag "d3_agent_${runmode}"

  $ensure = $runmode ? {
    'service' => 'running',
    'none'    => 'stopped',
  }

  service { $service_name:
    ensure => $ensure,
    enable => $runmode == 'service',
  }

  if $timer_name {
    service { $timer_name:
      ensure => 'stopped',
      enable => false,
    }
  }
}
