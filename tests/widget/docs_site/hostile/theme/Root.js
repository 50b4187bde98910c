// As sites have them: it knows of no other plugin's Root, and replaces each of them.
import React from 'react';

export default function Root({children}) {
  return <div data-hostile>{children}</div>;
}
