import {ChatKitWidget} from 'chatgate-widget/react';
import {useState} from 'react';

export function App({options}) {
  const [mode, setMode] = useState('both');
  const [renders, setRenders] = useState(0);
  const [isShown, setIsShown] = useState(true);
  return (
    <main>
      <button onClick={() => setMode('selection_only')}>Change an option</button>
      <button onClick={() => setRenders(renders + 1)}>Render again</button>
      <button onClick={() => setIsShown(!isShown)}>Show or hide</button>
      {isShown && (
        <ChatKitWidget
          {...options}
          className="own"
          mode={mode}
          suggestions={['What is here?']}
          navigate={(url) => window.went.push(`${url} ${renders}`)}
        />
      )}
    </main>
  );
}
