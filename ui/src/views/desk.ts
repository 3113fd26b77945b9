// desk: the pages behind the daily ones, fetched together when one of them is opened.

export { AuditPage } from './audit';
export { DiagnosticsPage } from './diagnostics';
export { SettingsPage } from './settings';
