// routes_guest: guests of one node: lists, state, configuration, history, actions.

import { VERBS, act } from './actions.mjs';
import { config, current, listRow } from './current.mjs';
import { died } from './errors.mjs';
import { guestHistory } from './rrd.mjs';
import { HISTORY, frame } from './routes_node.mjs';
import { Task, work } from './tasks.mjs';

const audit = ({ vmid }) => [`/vms/${vmid}`, 'VM.Audit'];
const power = ({ vmid }) => [`/vms/${vmid}`, 'VM.PowerMgmt'];

// The guest of a path; it is gone if it lives elsewhere.
export function guestOf({ cluster, node, params }, type) {
  const guest = cluster.guests.get(params.vmid);
  if (guest && guest.type === type && guest.node === node) return guest;
  throw died(`Configuration file 'nodes/${node.name}/${type === 'qemu' ? 'qemu-server' : 'lxc'}/${params.vmid}.conf' does not exist`);
}

function list(type) {
  return ({ cluster, node, version, auth, rights, params, lab }) => lab.random.shuffle([...cluster.guests.values()]
    .filter((guest) => guest.type === type && guest.node === node && rights.may(auth.id, `/vms/${guest.vmid}`, 'VM.Audit')))
    .map((guest) => listRow(guest, version, lab.now(), params));
}

function agentInterfaces(ctx) {
  const guest = guestOf(ctx, 'qemu');
  if (!guest.agent) throw died('No QEMU guest agent configured');
  if (guest.state.status !== 'running') throw died(`VM ${guest.vmid} is not running`);
  const address = `10.99.${guest.seed & 255}.${(guest.seed >> 8) & 255}`;
  return { result: [
    { name: 'lo', 'hardware-address': '00:00:00:00:00:00', 'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4', prefix: 8 }] },
    { name: 'eth0', 'hardware-address': 'bc:24:11:00:00:01', 'ip-addresses': [{ 'ip-address': address, 'ip-address-type': 'ipv4', prefix: 24 }] },
  ] };
}

// All guests of a node, one after the other.
function bulk(wanted, verb) {
  return ({ cluster, node, auth, rights }) => {
    const guests = [...cluster.guests.values()].filter((guest) => guest.node === node && !guest.template && rights.may(auth.id, `/vms/${guest.vmid}`, 'VM.PowerMgmt')
      && (guest.state.status === 'running') !== (verb === 'start'));
    return work(new Task(node, wanted, '', auth), async (task) => {
      for (const guest of guests) {
        task.log(`${verb === 'start' ? 'Starting' : 'Stopping'} ${guest.type === 'qemu' ? 'VM' : 'CT'} ${guest.vmid}`);
        act(guest, verb, auth, {});
        await guest.busy;
      }
    });
  };
}

function tableOf(type) {
  const base = `/nodes/{node}/${type}`;
  const one = `${base}/{vmid}`;
  const table = {
    [`GET ${base}`]: { params: type === 'qemu' ? { full: { type: 'boolean' } } : {}, code: list(type) },
    [`GET ${one}/status/current`]: { need: audit, code: (ctx) => current(guestOf(ctx, type), ctx.version, ctx.lab.now()) },
    [`GET ${one}/config`]: { need: audit, params: { current: { type: 'boolean' }, snapshot: {} }, code: (ctx) => config(guestOf(ctx, type)) },
    [`GET ${one}/rrddata`]: {
      need: audit,
      params: HISTORY,
      code: (ctx) => {
        frame(ctx.version, ctx.params.timeframe);
        return guestHistory(guestOf(ctx, type), ctx.version, ctx.params);
      },
    },
  };
  for (const [verb, action] of Object.entries(VERBS[type])) {
    table[`POST ${one}/status/${verb}`] = {
      need: power, params: action.params, isProtected: true,
      code: (ctx) => act(guestOf(ctx, type), verb, ctx.auth, ctx.params),
    };
  }
  return table;
}

export const routes = {
  ...tableOf('qemu'),
  ...tableOf('lxc'),
  'GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces': {
    need: ({ vmid }, { local }) => [`/vms/${vmid}`, local.version.nine ? 'VM.GuestAgent.Audit' : 'VM.Monitor'],
    code: agentInterfaces,
  },
  'POST /nodes/{node}/startall': { need: ({ node }) => [`/nodes/${node}`, 'Sys.PowerMgmt', 'VM.PowerMgmt'], code: bulk('startall', 'start') },
  'POST /nodes/{node}/stopall': { need: ({ node }) => [`/nodes/${node}`, 'Sys.PowerMgmt', 'VM.PowerMgmt'], code: bulk('stopall', 'stop') },
};
