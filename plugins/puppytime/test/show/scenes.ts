import type { Scene, SceneQuestion } from '../../src/show/scene.ts';

/** A show in the middle of its work. */
export function scene(changed: Partial<Scene> = {}): Scene {
  return {
    title: 'Puppytime!',
    size: null,
    seconds: 8,
    captions: true,
    question: null,
    progress: { message: 'installing firmware-7.1-2', done: 1, total: 3 },
    installer: 'here',
    over: false,
    texts: {
      caption: 'The puppies are keeping an eye on it.',
      gone: 'The installation was interrupted. It goes on by itself.',
      over: 'All done.',
    },
    ...changed,
  };
}

/** One that asks. */
export function questionScene(changed: Partial<SceneQuestion> = {}): Scene {
  const question: SceneQuestion = {
    id: 'q1',
    heading: 'Updates are ready to be installed',
    text: 'Three packages need a restart.',
    image: null,
    labels: { continue: 'Install now', postpone: 'Later' },
    byItself: 'continue',
    countdown: 'It begins by itself in %s.',
    until: 30_000,
    ...changed,
  };
  return scene({ question, progress: null });
}
