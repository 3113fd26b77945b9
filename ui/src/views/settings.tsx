// settings: what is yours (password, sessions, keys, theme) and, for administrators, who may come in.

import { go, href, route } from '../link/route';
import { isDark, may, theme, type Theme } from '../state/store';
import { Choice } from '../parts/form';
import { Icon, type IconName } from '../parts/icon';
import { Panel } from '../parts/panel';
import { Keys } from './settings-keys';
import { Password } from './settings-password';
import { Sessions } from './settings-sessions';
import { Users } from './settings-users';

const tabs: { id: string; label: string; icon: IconName; right?: string }[] = [
  { id: 'password', label: 'Password', icon: 'lock' },
  { id: 'sessions', label: 'Sessions', icon: 'laptop' },
  { id: 'keys', label: 'API keys', icon: 'key-round' },
  { id: 'users', label: 'Users', icon: 'users', right: 'admin' },
  { id: 'appearance', label: 'Appearance', icon: 'palette' },
];

export function SettingsPage() {
  const tab = route.value.query.get('tab') ?? 'password';
  return (
    <div class="page settings">
      <div class="page-head"><h1>Settings</h1></div>
      <div class="settings-grid">
        <nav class="subnav" aria-label="Settings">
          <ul>
            {tabs.filter((t) => !t.right || may(t.right)).map((t) => (
              <li key={t.id}>
                <a href={href('settings', { tab: t.id })} aria-current={t.id === tab ? 'page' : undefined}
                  onClick={(e) => {
                    if (e.ctrlKey || e.metaKey || e.shiftKey) return;
                    e.preventDefault();
                    go(href('settings', { tab: t.id }));
                  }}><Icon name={t.icon} />{t.label}</a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="settings-main">
          {tab === 'password' && <Password />}
          {tab === 'sessions' && <Sessions />}
          {tab === 'keys' && <Keys />}
          {tab === 'users' && <Users />}
          {tab === 'appearance' && <Appearance />}
        </div>
      </div>
    </div>
  );
}

const choices = [
  { id: 'system', label: <><Icon name="monitor" /> System</>, words: 'As the system' },
  { id: 'light', label: <><Icon name="sun" /> Light</>, words: 'Light' },
  { id: 'dark', label: <><Icon name="moon" /> Dark</>, words: 'Dark' },
] as const;

function Appearance() {
  return (
    <Panel title="Appearance" icon="palette">
      <div class="panel-body form-narrow">
        <p class="field-label">Theme</p>
        <Choice<Theme> class="themes" label="Theme" value={theme.value} options={choices} onChange={(t) => (theme.value = t)} />
        <p class="dim">{theme.value === 'system' ? `Follows this device, which asks for ${isDark.value ? 'dark' : 'light'} now.` : 'Kept in this browser only.'}</p>
      </div>
    </Panel>
  );
}
