/** A package with what Jamf wants at least. */
export const PACKAGE = {
  packageName: 'Transmogrifier',
  fileName: 'transmogrifier-1.0-1.pkg',
  categoryId: '-1',
  priority: 10,
  fillUserTemplate: false,
  rebootRequired: false,
  osInstall: false,
  suppressUpdates: false,
  suppressFromDock: false,
  suppressEula: false,
  suppressRegistration: false,
};

/** An extension attribute that a script fills. */
export const ATTRIBUTE = {
  name: 'd3 report',
  description: '',
  enabled: true,
  dataType: 'STRING' as const,
  inputType: 'SCRIPT' as const,
  inventoryDisplayType: 'EXTENSION_ATTRIBUTES',
  scriptContents: '#!/bin/sh\nd3 ea report\n',
  popupMenuChoices: [],
};
