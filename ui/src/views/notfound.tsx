import { href, route } from '../link/route';
import { Empty } from '../parts/panel';

export function NotFound() {
  return (
    <div class="panel">
      <Empty icon="info" title="There is no such page" isPage>
        <p><code>{route.value.page}</code> is not a page of this Binnacle. A link from a newer version may point to it.</p>
        <p><a class="button" href={href('')}>Go to the overview</a></p>
      </Empty>
    </div>
  );
}
